import Contracts
import FoundationEssentials

/// The progress of an import: an item of the list, and the data of an event.
struct ImportSummary: Sendable, Codable {
    @PublicID var id: UUID
    let state: ImportView.State
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
    /// Why the rest of the file was not read.
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

/// An import as administrators see it: the members of its summary, and more.
@dynamicMemberLookup
struct ImportView: Sendable, Codable {
    /// Of rejected rows in it; all of them are in a file of their own.
    static let maximumRejections = 1_000

    enum State: String, Sendable, Codable {
        case running, done, failed
    }

    private struct Details: Sendable, Codable {
        let rejected: [Rejection]
        let unlisted: Int?
        let ignoredColumns: [String]?
    }

    let summary: ImportSummary
    private let details: Details

    var rejected: [Rejection] { details.rejected }
    /// The number of reasons that did not fit into the file of rejected rows; nil for none.
    var unlisted: Int? { details.unlisted }
    /// Columns of the file that mean nothing here.
    var ignoredColumns: [String]? { details.ignoredColumns }

    init(_ job: ImportJob, rejected: [Rejection]) {
        let ignored = job.reader.layout?.ignored ?? []
        summary = ImportSummary(job)
        details = Details(rejected: rejected, unlisted: job.unlisted == 0 ? nil : job.unlisted, ignoredColumns: ignored.isEmpty ? nil : ignored)
    }

    init(from decoder: any Decoder) throws {
        summary = try ImportSummary(from: decoder)
        details = try Details(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        try details.encode(to: encoder)
    }

    subscript<Value>(dynamicMember member: KeyPath<ImportSummary, Value>) -> Value { summary[keyPath: member] }
}
