import FoundationEssentials
import ShopClient
import Terminal

/// The result of a run.
struct LoadReport: Sendable, Encodable {
    /// Seconds.
    struct Times: Sendable, Equatable, Encodable {
        let p50, p99, longest: Double

        /// Nil when there are none.
        init?(_ durations: [Duration]) {
            let sorted = durations.map { $0 / .seconds(1) }.sorted()
            guard let last = sorted.last else { return nil }
            p50 = Self.percentile(0.50, of: sorted)
            p99 = Self.percentile(0.99, of: sorted)
            longest = last
        }

        /// The smallest value that is not exceeded by that share of all (nearest rank).
        private static func percentile(_ share: Double, of sorted: [Double]) -> Double {
            let rank = Int((share * Double(sorted.count)).rounded(.up))
            return sorted[min(max(rank, 1), sorted.count) - 1]
        }
    }

    /// Checkouts that the run was to make.
    let asked: Int
    let clients: Int
    let accepted: Int
    let refused: Int
    /// Orders by the state in which they settled.
    let states: [String: Int]
    /// Rejected orders by reason.
    let rejections: [String: Int]
    /// Attempts that were repeated, by reason.
    let retries: [String: Int]
    /// From the first checkout to the last order that settled.
    let seconds: Double?
    let ordersPerSecond: Double?
    /// From the first attempt of the checkout until the order settled.
    let checkoutToSettled: Times?
    /// How the end of ``checkoutToSettled`` is known.
    let settledBy: String
    /// From the first attempt of the checkout until it was accepted.
    let checkoutToAccepted: Times?
    /// Absent when the run ended early.
    let checks: [Check]?
    let isGood: Bool

    init(asked: Int, clients: Int, tally: Tally, sharesClock: Bool, checks: [Check]?) {
        self.asked = asked
        self.clients = clients
        accepted = tally.accepted
        refused = tally.refused
        states = Dictionary(tally.states.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: +)
        rejections = tally.rejections
        retries = tally.retries
        seconds = tally.seconds
        ordersPerSecond = tally.seconds.map { Double(tally.settled) / $0 }
        checkoutToSettled = Times(tally.settlements)
        settledBy = sharesClock ? "the order's history" : "the poll that saw it"
        checkoutToAccepted = Times(tally.acceptances)
        self.checks = checks
        isGood = checks?.allSatisfy(\.isGood) ?? false
    }

    /// - Throws: ``LoadError`` with code `output`.
    func write(to path: String) throws(LoadError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw LoadError(.output, "\(path) cannot be written: \(error)")
        }
    }
}
