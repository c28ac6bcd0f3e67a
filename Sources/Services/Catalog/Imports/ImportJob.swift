import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// An import as it is kept.
struct ImportJob: Sendable {
    let id: UUID
    let kind: ImportKind
    let dryRun: Bool
    let mark: AmountReader.Mark?
    /// The currency of amounts whose row names none: the declared one, or that of all the shop's products.
    var currency: String?
    let bytes: Int
    let by: UUID?
    var state = ImportView.State.running
    var reader: ImportReader
    var step = 0
    var rows = 0
    var accepted = 0
    var changed = 0
    /// Rejected rows, and what was wrong with them altogether.
    var rejected = 0
    /// Errors beyond those that are kept.
    var unlisted = 0
    var failure: String?
    let startedAt: Date
    var finishedAt: Date?

    init(_ new: NewImport, by: UUID?, now: Date) {
        id = new.request.upload
        kind = new.request.kind
        dryRun = new.request.dryRun
        mark = new.request.mark
        currency = new.request.currency
        bytes = new.bytes
        self.by = by
        reader = ImportReader(kind: kind, format: new.request.format, encoding: new.request.encoding)
        startedAt = now
    }

    init(_ row: Row) throws {
        id = try row.decode("id")
        let kind: String = try row.decode("kind")
        let state: String = try row.decode("state")
        guard let kind = ImportKind(rawValue: kind), let state = ImportView.State(rawValue: state) else {
            throw Failure("unknown-state", "the import is of another version of Wharf", remedy: .retry)
        }
        self.kind = kind
        self.state = state
        dryRun = try row.decode("dry_run")
        mark = try row.decode("mark", as: String?.self).flatMap(AmountReader.Mark.init)
        currency = try row.decode("currency")
        bytes = try row.decode("bytes")
        by = try row.decode("by")
        reader = try JSON.decode(from: Array(try row.decode("reader", as: String.self).utf8))
        step = try row.decode("step")
        rows = try row.decode("row_count")
        accepted = try row.decode("accepted")
        changed = try row.decode("changed")
        rejected = try row.decode("rejected")
        unlisted = try row.decode("unlisted")
        failure = try row.decode("failure")
        startedAt = try row.decode("started_at")
        finishedAt = try row.decode("finished_at")
    }

    mutating func move(behind part: ImportPart) {
        let amounts = reader.amounts
        reader = part.after
        reader.amounts = amounts
    }

    mutating func count(_ part: ImportPart, _ taken: ImportBatch) {
        let count = part.rowCount
        let rejectedRows = taken.rejectedRows(of: part.rows)
        rows += count + part.flaws.count
        accepted += count - rejectedRows
        changed += taken.changed
        rejected += rejectedRows + part.flaws.count
    }

    /// Moves rows from the accepted to the rejected ones.
    mutating func reject(accepted count: Int) {
        accepted -= count
        rejected += count
    }
}
