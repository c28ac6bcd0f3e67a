import ArgumentParser

/// What can be measured.
enum BenchCase: String, Sendable, Codable, CaseIterable {
    /// Real baskets to confirmed orders, as fast as 64 clients can.
    case checkouts
    /// The same with a slow payment gateway.
    case slowGateway = "slow-gateway"
    /// One checkout after another.
    case single
    /// Where the time of one order goes, and how many messages, turns and transactions it takes.
    case trace
    /// The same checkouts and reads by the peer, where its folder is there.
    case peer
    /// A product read by its id.
    case product
    /// An item put into a cart.
    case item
    /// Every basket holds the best-seller.
    case hot
    /// One to eight workers per pool, each with a small share of a processor.
    case scaling
    /// One to four ingress processes, each with a small share of a processor.
    case ingress
    /// Checkouts with the servers on another host, without delay and with a delay of one millisecond. Needs root, so it runs only when it is named.
    case distance
    /// Resident memory at rest, under load, and with thousands of requests in flight.
    case memory
    /// From `wharf-dev up` to the first confirmed order.
    case ready
    /// Checkouts over large tables; long, so only with `--full` or by name.
    case growth
    /// Checkouts over a large backlog; long, so only with `--full` or by name.
    case backlog
    /// Imports a catalogue of 100,000 products while products are read. Takes long, so it runs only with `--full` or by name.
    case imports
    /// Searches the same catalogue over HTTP. Takes long, so it runs only with `--full` or by name.
    case search
    /// Reads profiles while strangers guess passwords. Takes long, so it runs only with `--full` or by name.
    case signIns = "sign-ins"
    /// Checkouts and products at three times the rate that the shop can serve; long, so only with `--full` or by name.
    case overload

    /// Stores dead letters, and lists them among a million. Takes long, so it runs only with `--full` or by name.
    case deadLetters = "dead-letters"

    var isLong: Bool { [.growth, .backlog, .overload, .imports, .search, .signIns, .deadLetters].contains(self) }
    /// Whether only root can measure it.
    var needsRoot: Bool { self == .distance }

    /// - Throws: `ValidationError` for an unknown name.
    static func parse(_ list: String) throws -> Set<BenchCase> {
        let names = list.split(separator: ",").map(String.init)
        let cases = try names.map { name in
            guard let known = BenchCase(rawValue: name) else {
                let all = allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--cases knows no '\(name)'; there are \(all).")
            }
            return known
        }
        guard !cases.isEmpty else { throw ValidationError("--cases names none.") }
        return Set(cases)
    }
}
