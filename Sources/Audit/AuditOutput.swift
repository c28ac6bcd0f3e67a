import ArgumentParser
import FoundationEssentials
import Synchronization
import Terminal

/// Prints reports: the first in full, then only the changes.
package final class AuditOutput: Sendable {
    package let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
    private let json: Bool
    private let watches: Bool
    private let last = Mutex<AuditReport?>(nil)

    package init(json: Bool, watches: Bool) {
        self.json = json
        self.watches = watches
    }

    /// Of the last report; true when there was none.
    package var isClean: Bool { last.withLock { $0?.isClean ?? true } }

    package func show(_ report: AuditReport) throws {
        let before = last.withLock { last in
            defer { last = report }
            return last
        }
        let text = if json { try report.json(pretty: !watches) } else { before.map { report.text(since: $0, terminal.paint) } ?? report.text(terminal.paint) }
        // A reader that has closed the pipe wants no more audits.
        if !text.isEmpty, !Console.print(text + "\n"), watches { throw ExitCode.success }
    }
}
