import Terminal
import Up

/// Limit A: what PostgreSQL alone does when clients of pgbench write the rows of one checkout after another.
struct OneByOne: Sendable {
    private static let limit = Duration.seconds(120)
    /// Numbers that one measurement may use; each gets its own, so that no two orders meet.
    private static let numbers = 100_000_000
    /// A deadlock is retried, as any client would.
    private static let attempts = 10

    let folder: BenchFolder
    /// An administrator's URL.
    let postgres: String

    /// - Parameters:
    ///   - sizes: Clients, and the orders that each of them places.
    ///   - round: From 0 on; another one each time.
    /// - Returns: orders a second by the number of clients.
    func measure(_ sizes: [(clients: Int, each: Int)], round: Int) async throws -> [Int: Double] {
        var rates: [Int: Double] = [:]
        for (place, size) in sizes.enumerated() {
            let base = (round * sizes.count + place) * Self.numbers
            rates[size.clients] = try await measure(size, base: base)
        }
        return rates
    }

    private func measure(_ size: (clients: Int, each: Int), base: Int) async throws -> Double {
        let prepared = try await run(
            "psql", ["-X", "-q", "-t", "-A", "-v", "carts=\(size.each)", "-v", "base=\(base)", "-f", "\(folder.programs)/one-order-tables.sql"])
        guard let templates = prepared.last.flatMap({ Int($0) }), templates > 0 else {
            throw BenchError(.wrong, "No real orders to learn limit A's rows from: \(prepared.last ?? "psql said nothing").")
        }
        let printed = try await run(
            "pgbench",
            [
                "-n", "-M", "prepared", "-c", "\(size.clients)", "-j", "\(min(size.clients, 2))", "-t", "\(size.each)",
                "--max-tries", "\(Self.attempts)", "-D", "i=0", "-D", "base=\(base)", "-D", "templates=\(templates)",
                "-f", "\(folder.programs)/one-order.sql",
            ])
        return try Self.rate(printed, orders: size.clients * size.each)
    }

    /// - Throws: ``BenchError`` with code `wrong` unless all orders were placed.
    static func rate(_ printed: [String], orders: Int) throws(BenchError) -> Double {
        let placed = "number of transactions actually processed: \(orders)/\(orders)"
        let line = printed.first { $0.hasPrefix("tps = ") }
        guard printed.contains(where: { $0.hasPrefix(placed) }), let text = line?.split(separator: " ").dropFirst(2).first,
            let rate = Double(text)
        else { throw BenchError(.wrong, "pgbench did not place \(orders) orders:\n\(printed.suffix(12).joined(separator: "\n"))") }
        return rate
    }

    private func run(_ name: String, _ arguments: [String]) async throws -> [String] {
        let database = try ServerAddress(postgres)
        // Not arguments, which every user of the machine can read.
        let environment = [
            "PGHOST": database.host, "PGPORT": "\(database.port)", "PGUSER": database.user, "PGPASSWORD": database.password,
            "PGDATABASE": database.path, "PGOPTIONS": "-c client_min_messages=warning",
        ]
        return try await Program(name: name, arguments: arguments, environment: environment).run(within: Self.limit)
    }
}
