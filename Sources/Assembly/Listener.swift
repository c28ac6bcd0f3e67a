import Operations
import ServiceLifecycle
import Synchronization

/// A server whose address is a setting: when it cannot listen, because another program does or because the address is not this machine's, the error names the
/// setting.
struct Listener: Service {
    private let server: any Service
    private let address: ListenAddress
    private let setting: String
    private let port: SharedPort

    /// - Parameter port: set as soon as the server accepts connections; a later failure is not due to the address.
    init(_ server: any Service, at address: ListenAddress, _ setting: String, _ port: SharedPort) {
        self.server = server
        self.address = address
        self.setting = setting
        self.port = port
    }

    func run() async throws {
        do {
            try await server.run()
        } catch let error where !(error is CancellationError) && port.number == nil {
            let reason = address.obstacle ?? "\(error)"
            throw AssemblyError(setting, "is \(address), where this process cannot listen: \(reason)", "an address of this machine with a port that is free")
        }
    }
}

/// The port of a server, once it listens.
package final class SharedPort: Sendable {
    private let port = Atomic(0)

    package init() {}

    /// Nil before it listens.
    package var number: Int? {
        let number = port.load(ordering: .acquiring)
        return number > 0 ? number : nil
    }

    package func set(_ number: Int) {
        port.store(number, ordering: .releasing)
    }
}
