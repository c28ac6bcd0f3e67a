import Assembly
import FoundationEssentials
import LocalState
import Terminal
import Up

/// Limit D: the durable steps that stand in a row between a checkout and its confirmed order, done bare by one C client, `bench/steps.c`.
struct DurableSteps: Sendable {
    /// Quorum queues that an order passes until it is confirmed: to carts, orders, catalog, payments, and back to orders.
    static let deliveries = 5
    /// The transactions of these, of which payments has two.
    static let commits = 6
    private static let limit = Duration.seconds(130)
    private static let compileLimit = Duration.seconds(60)

    let folder: BenchFolder
    /// With administrators' URLs.
    let environment: [String: String]

    /// Makes the program, once for all measurements.
    static func compile(in folder: BenchFolder) async throws {
        let arguments = [
            "-O2", "-I/usr/include/postgresql", "-o", folder.file("steps"), "\(folder.programs)/steps.c", "-lrabbitmq", "-lpq",
        ]
        _ = try await Program(name: "cc", arguments: arguments).run(within: compileLimit)
    }

    /// - Parameter count: orders, one after the other.
    func measure(_ count: Int) async throws -> PrintedFigures {
        let broker = try ServerAddress(environment[ServerURLs.amqpVariable, default: ""])
        let database = try ServerAddress(environment[ServerURLs.postgresVariable, default: ""])
        let settings = [
            "AMQP_HOST": broker.host, "AMQP_PORT": "\(broker.port)", "AMQP_USER": broker.user, "AMQP_PASSWORD": broker.password,
            "PGHOST": database.host, "PGPORT": "\(database.port)", "PGUSER": database.user, "PGPASSWORD": database.password,
            "PGDATABASE": database.path,
        ]
        let printed = try await Program(
            name: folder.file("steps"), arguments: ["\(Self.deliveries)", "\(Self.commits)", "\(count)"], environment: settings
        ).run(within: Self.limit)
        return try PrintedFigures(printed)
    }
}

/// Where a server is and who may use it, for programs that take no URL.
struct ServerAddress: Sendable {
    let host: String
    let port: Int
    let user: String
    let password: String
    /// Without the slash at its beginning.
    let path: String

    /// - Throws: ``BenchError`` with code `failed` for a URL without host and port; `CredentialsError`.
    init(_ url: String) throws {
        let (address, credentials) = try Credentials.split(url)
        guard let url = URL(string: address), let host = url.host(), let port = url.port else {
            throw BenchError(.failed, "A server's URL names no host and port.")
        }
        (self.host, self.port, user, password) = (host, port, credentials.user, credentials.password)
        path = String(url.path().drop { $0 == "/" })
    }
}
