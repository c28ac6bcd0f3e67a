import Assembly
import FoundationEssentials

/// An invariant that does not hold in one look at the databases. The change that restores it may be under way.
package struct Finding: Sendable, Hashable, Encodable {
    let invariant: Invariant
    /// The id of the subject: an order, a SKU, a message.
    package let subject: String
    package let sentence: String
    /// The last change of anything that was compared; nil where one snapshot holds all of it, so that nothing can be under way.
    let unchangedSince: Date?
    /// The service whose waiting messages may still resolve it.
    let awaits: ServiceName?
    /// How long such a message may wait before an operator must be informed, in seconds.
    let longestWait: Double

    init(
        _ invariant: Invariant, _ subject: String, _ sentence: String, unchangedSince: Date?, awaits: ServiceName? = nil,
        longestWait: Double = Judge.longestFlight
    ) {
        self.longestWait = longestWait
        self.invariant = invariant
        self.subject = subject
        self.sentence = sentence
        self.unchangedSince = unchangedSince
        self.awaits = awaits
    }

    private enum CodingKeys: String, CodingKey {
        case subject, sentence, unchangedSince
    }
}

/// Separates findings that may only be under way from those that are suspected to be violations.
struct Judge: Sendable {
    /// How long a message may wait in queues and on the retry ladder: its eight attempts take up to 41 minutes.
    static let longestFlight = 3600.0

    /// When the snapshots were taken.
    let now: Date
    /// Seconds.
    let grace: Double
    let backlog: BrokerBacklog

    func isInFlight(_ finding: Finding) -> Bool {
        guard let since = finding.unchangedSince else { return false }
        let age = now.timeIntervalSince(since)
        if age < grace { return true }
        guard let service = finding.awaits else { return false }
        return age < finding.longestWait && backlog.holds(for: service)
    }
}
