import Terminal
import Up

/// Limits B and C: RabbitMQ's rates with its own C client, `bench/raw.c`.
struct BrokerLimits: Sendable {
    private static let limit = Duration.seconds(130)
    private static let compileLimit = Duration.seconds(60)

    let folder: BenchFolder
    /// An administrator's URL.
    let amqp: String

    /// Compiles the program, once for all measurements.
    static func compile(in folder: BenchFolder) async throws {
        let arguments = ["-O2", "-o", folder.file("raw"), "\(folder.programs)/raw.c", "-lrabbitmq", "-lpthread"]
        _ = try await Program(name: "cc", arguments: arguments).run(within: compileLimit)
    }

    /// Requests to a classic queue and their replies, `window` outstanding.
    func request(window: Int, count: Int) async throws -> PrintedFigures {
        try await run("request", window, count)
    }

    /// Messages to a quorum queue, `window` of them not confirmed yet.
    func confirm(window: Int, count: Int) async throws -> PrintedFigures {
        try await run("confirm", window, count)
    }

    private func run(_ kind: String, _ window: Int, _ count: Int) async throws -> PrintedFigures {
        let broker = try ServerAddress(amqp)
        let environment = [
            "AMQP_HOST": broker.host, "AMQP_PORT": "\(broker.port)", "AMQP_USER": broker.user, "AMQP_PASSWORD": broker.password,
        ]
        let printed = try await Program(name: folder.file("raw"), arguments: [kind, "\(window)", "\(count)"], environment: environment)
            .run(within: Self.limit)
        return try PrintedFigures(printed)
    }
}
