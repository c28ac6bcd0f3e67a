import Assembly
import FoundationEssentials
import LocalState
import Secrets
import Terminal
import WebClient

/// How many messages RabbitMQ has handled since it was started, as its management API reports it: some seconds late.
struct BrokerTotals: Sendable, Equatable {
    private static let timeout = Duration.seconds(10)
    /// Longer than the API takes to update its figures.
    private static let quietTime = Duration.seconds(6)
    private static let longestWait = Duration.seconds(30)
    private static let pause = Duration.milliseconds(500)

    let published: Int
    let confirmed: Int
    let delivered: Int
    let acknowledged: Int

    /// The totals once they have stopped changing, or after 30 seconds.
    static func settled(_ shop: RunningShop, _ transport: any HTTPTransport) async throws -> BrokerTotals {
        let clock = ContinuousClock()
        let deadline = clock.now + longestWait
        var totals = try await read(shop, transport)
        var unchangedSince = clock.now
        while clock.now - unchangedSince < quietTime, clock.now < deadline {
            try await clock.sleep(for: pause)
            let latest = try await read(shop, transport)
            if latest != totals {
                totals = latest
                unchangedSince = clock.now
            }
        }
        return totals
    }

    private static func read(_ shop: RunningShop, _ transport: any HTTPTransport) async throws -> BrokerTotals {
        struct Overview: Decodable {
            struct Stats: Decodable {
                let publish, confirm, ack, deliver, deliverNoAck: Int?
            }
            let messageStats: Stats
        }
        let (base, credentials) = try Credentials.split(shop.environment[ServerURLs.managementVariable, default: ""])
        let authorization = "Basic " + Base64.encode(Array("\(credentials.user):\(credentials.password)".utf8))
        let root = base.withoutTrailingSlash
        let response = try await transport.send(
            WebRequest(url: "\(root)/api/overview", headers: [(name: "authorization", value: authorization)], timeout: timeout))
        guard response.isSuccess else {
            throw BenchError(.failed, "RabbitMQ's management API answered with status \(response.status).")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let stats = try decoder.decode(Overview.self, from: Data(response.body)).messageStats
        return BrokerTotals(
            published: stats.publish ?? 0, confirmed: stats.confirm ?? 0, delivered: (stats.deliver ?? 0) + (stats.deliverNoAck ?? 0),
            acknowledged: stats.ack ?? 0)
    }
}
