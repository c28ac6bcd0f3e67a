import FoundationEssentials
import Terminal

/// A job, as deadletters reports it.
package struct LetterJob: Decodable, Sendable, Equatable {
    package let id: String
    package let action: String
    package let filter: [String: String]
    package let state: String
    /// The phase of a running job: selecting, acting, or following sent messages.
    package let phase: String?
    package let reason: String?
    package let selected: Int
    package let sent: Int
    package let handled: Int
    package let diedAgain: Int
    /// Replays without a known outcome.
    package let unknown: Int?
    package let skipped: Int
    /// Skipped letters by reason.
    package let skips: [String: Int]?
    package let rate: Double?
    package let startedAt: Date
    package let startedBy: String
    package let finishedAt: Date?
    /// The number of its letters' orders in each state.
    package let orders: [String: Int]?

    package var isRunning: Bool { state == "running" }

    /// The percentage of selected letters that are done.
    package var percent: Int { selected == 0 ? (isRunning ? 0 : 100) : min(100, (sent + skipped) * 100 / selected) }

    package var line: String {
        let counts = "\(sent) of \(selected) sent, \(handled) handled, \(diedAgain) died again, \(skipped) skipped"
        let rate = isRunning ? rate.flatMap { Int(exactly: $0.rounded()) }.map { $0 > 0 ? ", \($0) a second" : "" } ?? "" : ""
        let doing = isRunning ? phase ?? state : state
        return "\(action.printable) \(doing.printable): \(counts)\(rate)\(reason.map { " (\($0.printable))" } ?? "")\(isRunning ? "" : ordersInWords)"
    }

    /// The states that the orders of its letters have reached, as far as they are known.
    private var ordersInWords: String {
        guard let orders, !orders.isEmpty else { return "" }
        let counts = orders.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key.printable)" }
        return "; orders: \(counts.joined(separator: ", "))"
    }
}
