import FoundationEssentials
import Terminal

/// An action on a letter.
package struct AuditLine: Decodable, Sendable {
    package let at: Date
    package let actor: String
    package let action: String
    package let letter: String?
    package let group: String?
    package let job: String?
    package let detail: String?

    package static let columns: [Column<AuditLine>] = [
        Column("time") { $0.at.ISO8601Format() }, Column("who") { $0.actor }, Column("action") { $0.action },
        Column("what") { line in line.letter ?? line.job.map { "job \($0)" } ?? line.group.map { "group \($0)" } ?? "-" }, Column("detail") { $0.detail ?? "" },
    ]
}

/// The counts of letters.
package struct LetterStats: Decodable, Sendable {
    package struct Service: Decodable, Sendable {
        package let service: String
        package let open: Int
        package let oldest: Date?
    }

    package let states: [String: Int]
    package let services: [Service]
    package let perHour: [Int]

    package func text(_ terminal: Terminal, at now: Date) -> String {
        let names = states.sorted { $0.key < $1.key }.map { "\($0.key.printable)\t\($0.value)\n" }.joined()
        guard terminal.columns != nil else {
            return names + services.map { "\($0.service.printable)\t\($0.open)\t\($0.oldest?.ISO8601Format() ?? "")\n" }.joined()
        }
        var table = Columns<Service>([
            Column("service") { $0.service }, Column("open", isNumber: true) { "\($0.open)" },
            Column("oldest", isNumber: true) { $0.oldest.map { now.timeIntervalSince($0).age } ?? "-" },
        ])
        let counts = states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.printable)" }.joined(separator: ", ")
        return "\(counts)\n24 hours [\(perHour.sparkline)] \(perHour.reduce(0, +))\n\n" + table.table(services, terminal.paint, width: terminal.columns)
    }
}
