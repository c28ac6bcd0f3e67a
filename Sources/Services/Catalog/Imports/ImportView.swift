import Contracts
import FoundationEssentials

/// The progress of an import: an item of the list, and the data of an event.
struct ImportSummary: Sendable, Codable {
    @PublicID var id: UUID
    let state: ImportView.State
    let kind: ImportKind
    let dryRun: Bool
    let bytes: Int
    let bytesRead: Int
    let rows: Int
    let accepted: Int
    let changed: Int
    let rejectedRows: Int
    let failure: String?
    let startedAt: Date
    let finishedAt: Date?

    init(_ job: ImportJob) {
        _id = PublicID(wrappedValue: job.id)
        (state, kind, dryRun, bytes, bytesRead) = (job.state, job.kind, job.dryRun, job.bytes, job.reader.position)
        (rows, accepted, changed, rejectedRows) = (job.rows, job.accepted, job.changed, job.rejected)
        (failure, startedAt, finishedAt) = (job.failure, job.startedAt, job.finishedAt)
    }
}

/// An import as administrators see it.
struct ImportView: Sendable, Codable {
    /// Of rejected rows in it; all of them are in a file of their own.
    static let maximumRejections = 1_000

    enum State: String, Sendable, Codable {
        case running, done, failed
    }

    @PublicID var id: UUID
    let state: State
    let kind: ImportKind
    let dryRun: Bool
    /// Of the file, and of what has been read of it.
    let bytes: Int
    let bytesRead: Int
    let rows: Int
    let accepted: Int
    /// Those of the accepted ones that said something new.
    let changed: Int
    let rejectedRows: Int
    let rejected: [Rejection]
    /// The number of reasons that did not fit into the file of rejected rows; nil for none.
    let unlisted: Int?
    /// Columns of the file that mean nothing here.
    let ignoredColumns: [String]?
    /// Why the rest of the file was not read.
    let failure: String?
    let startedAt: Date
    let finishedAt: Date?
}
