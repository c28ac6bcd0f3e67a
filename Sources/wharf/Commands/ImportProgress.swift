import FoundationEssentials
import Terminal

/// An import as the catalog reports it.
struct ImportProgress: Sendable, Decodable, Equatable {
    enum State: String, Sendable, Decodable {
        case running, done, failed
    }

    let id: String
    let state: State
    let kind: String
    let dryRun: Bool
    let bytes: Int
    let bytesRead: Int
    let rows: Int
    let accepted: Int
    let changed: Int
    let rejectedRows: Int
    let failure: String?
    let startedAt: String

    static func table(_ imports: [ImportProgress], _ paint: Paint) -> String {
        guard !imports.isEmpty else { return "There are no imports." }
        let rows = imports.map { progress in
            [
                progress.id, progress.state.rawValue, progress.kind + (progress.dryRun ? " (dry run)" : ""), "\(progress.percent) %", "\(progress.accepted)",
                "\(progress.changed)", "\(progress.rejectedRows)", progress.startedAt,
            ]
        }
        return TextTable.text(["id", "state", "kind", "read", "accepted", "changed", "rejected", "started"], rows, paint)
    }

    /// The percentage of the file that has been read.
    var percent: Int { bytes == 0 ? 100 : bytesRead * 100 / bytes }

    var counts: String {
        "\(accepted) row\(accepted == 1 ? "" : "s") accepted, \(changed) changed, \(rejectedRows) rejected" + (dryRun ? " (dry run)" : "")
    }
}

/// What is printed about an import each time its progress has been read.
struct ImportDisplay: Sendable {
    private static let barWidth = 30

    let terminal: Terminal
    private var first: (rows: Int, at: ContinuousClock.Instant)?
    private var last: ImportProgress?

    init(terminal: Terminal) {
        self.terminal = terminal
    }

    /// On a terminal, a bar that replaces the previous one; elsewhere, a line if anything has changed.
    mutating func text(_ progress: ImportProgress, at now: ContinuousClock.Instant) -> String {
        defer { last = progress }
        if first == nil { first = (progress.rows, now) }
        let isOver = progress.state != .running
        guard terminal.isLive else { return progress == last ? "" : line(progress, now) + "\n" }
        return "\r\u{1B}[K" + bar(progress) + " " + line(progress, now) + (isOver ? "\n" : "")
    }

    private func bar(_ progress: ImportProgress) -> String {
        let done = min(Self.barWidth, progress.percent * Self.barWidth / 100)
        return terminal.paint.accent(String(repeating: "█", count: done)) + terminal.paint.dim(String(repeating: "░", count: Self.barWidth - done))
    }

    private func line(_ progress: ImportProgress, _ now: ContinuousClock.Instant) -> String {
        switch progress.state {
        case .running: "\(progress.percent) %, \(progress.counts)\(rate(progress, now))"
        case .done: "\(terminal.paint.good("done")): \(progress.counts)\(hint(progress))"
        case .failed: "\(terminal.paint.bad("failed")): \(progress.failure ?? "no reason given"); \(progress.counts)\(hint(progress))"
        }
    }

    private func hint(_ progress: ImportProgress) -> String {
        progress.rejectedRows > 0 ? "; `wharf imports rejected \(progress.id)` prints the reasons" : ""
    }

    private func rate(_ progress: ImportProgress, _ now: ContinuousClock.Instant) -> String {
        guard let first, now > first.at, progress.rows > first.rows else { return "" }
        return ", \(Int(Double(progress.rows - first.rows) / ((now - first.at) / .seconds(1)))) rows/s"
    }
}
