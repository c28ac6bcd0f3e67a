import FoundationEssentials
import Notifications
import Terminal

/// The result of an audit.
package struct AuditReport: Sendable, Equatable, Encodable {
    /// Violations of one invariant that are reported by name.
    static let maximumNamed = 20

    package struct Row: Sendable, Equatable, Encodable {
        let invariant: Invariant
        package let title: String
        /// Orders, SKUs and messages that were checked.
        package let checked: Int
        /// Differences that may still be under way.
        package let inFlight: Int
        package let violations: Int
        /// The first ``AuditReport/maximumNamed``, by subject.
        package let named: [Finding]
    }

    package let at: Date
    package let seconds: Double
    package let rows: [Row]
    /// Notifications that could not be sent yet, and will be tried again: they are due, and become violations when they are late.
    package let waiting: [WaitingNotifications]
    /// What was not checked.
    let notes: [String]

    init(_ tally: AuditTally, confirmed: [Invariant: Set<Finding>], at: Date, seconds: Double, notes: [String]) {
        self.at = at
        self.seconds = seconds
        self.notes = notes
        waiting = tally.waiting
        rows = Invariant.allCases.map { invariant in
            let count = tally[invariant]
            let violations = confirmed[invariant] ?? []
            // A suspect of the second look alone is too young: it cannot have stood for the grace.
            let undecided = (tally.suspects[invariant]?.count ?? 0) - violations.count
            return Row(
                invariant: invariant, title: invariant.title, checked: count.checked, inFlight: count.inFlight + undecided,
                violations: violations.count + count.beyond,
                named: Array(violations.sorted { ($0.subject, $0.sentence) < ($1.subject, $1.sentence) }.prefix(Self.maximumNamed)))
        }
    }

    package var violations: Int { rows.reduce(0) { $0 + $1.violations } }
    package var isClean: Bool { violations == 0 }

    package func json(pretty: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

// MARK: - Text

extension AuditReport {
    package func text(_ paint: Paint) -> String {
        let table = TextTable.text(
            ["Invariant", "Checked", "In flight", "Violations", ""],
            rows.map { row in
                [row.title, "\(row.checked)", "\(row.inFlight)", "\(row.violations)", row.violations == 0 ? paint.good("holds") : paint.bad("VIOLATED")]
            }, paint)
        let parts = [table] + rows.filter { $0.violations > 0 }.map { Self.text($0, paint) } + waiting.map { paint.bad($0.text) } + (notes.isEmpty ? [] : [notes.joined(separator: "\n")])
        let end = isClean ? paint.good("Nothing is violated.") : paint.bad("\(violations) violations.")
        return (parts + ["\(end) Checked in \(seconds.tenths) s."]).joined(separator: "\n\n")
    }

    /// The violations that another report does not have.
    package func text(since before: AuditReport, _ paint: Paint) -> String {
        let mine = Set(rows.flatMap(\.named))
        let others = Set(before.rows.flatMap(\.named))
        let changes = mine.subtracting(others).map { (paint.bad("violated "), $0) } + others.subtracting(mine).map { (paint.good("no longer "), $0) }
        let lines = changes.sorted { $0.1.subject < $1.1.subject }.map { "  \($0.0) \($0.1.subject)  \($0.1.sentence)" }
        let counts = zip(rows, before.rows).filter { $0.violations != $1.violations }.map { now, then in
            "  \(now.title): \(then.violations) → \(now.violations) violations"
        }
        let waits = waiting.map(\.channel) == before.waiting.map(\.channel) ? [] : waiting.isEmpty ? ["  no notification waits any longer"] : waiting.map { "  \($0.text)" }
        guard !lines.isEmpty || !counts.isEmpty || !waits.isEmpty else { return "" }
        return (["\(at.ISO8601Format())"] + counts + waits + lines).joined(separator: "\n")
    }

    private static func text(_ row: Row, _ paint: Paint) -> String {
        let rest = row.violations - row.named.count
        let more = rest > 0 ? ["  … and \(rest) more"] : []
        return ([paint.bold(row.title)] + row.named.map { "  \($0.subject)  \($0.sentence)" } + more).joined(separator: "\n")
    }
}
