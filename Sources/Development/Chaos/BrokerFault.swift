import Glibc
import LocalServers
import Up

/// A fault of RabbitMQ as a whole.
enum BrokerFault: Fault {
    case stopped, killed, memoryAlarm, diskAlarm, connectionsClosed

    /// RabbitMQ's own default.
    private static let usualWatermark = "0.4"
    /// As the private server is configured.
    private static let usualDiskLimit = "50MB"

    func inject(into shop: ChaosShop) async throws {
        let broker = try shop.servers.rabbitMQ
        switch self {
        case .stopped: try await broker.stopApp()
        case .killed: try await shop.end(await shop.processes(of: "rabbitmq"), by: SIGKILL)
        case .memoryAlarm: try await broker.ctl(["set_vm_memory_high_watermark", "0.0001"])
        case .diskAlarm: try await broker.ctl(["set_disk_free_limit", "100000GB"])
        case .connectionsClosed: try await broker.ctl(["close_all_connections", "chaos"])
        }
    }

    func restore(in shop: ChaosShop) async throws {
        let broker = try shop.servers.rabbitMQ
        switch self {
        case .stopped: try await broker.startApp()
        case .memoryAlarm: try await broker.ctl(["set_vm_memory_high_watermark", Self.usualWatermark])
        case .diskAlarm: try await broker.ctl(["set_disk_free_limit", Self.usualDiskLimit])
        case .killed, .connectionsClosed: break
        }
    }
}
