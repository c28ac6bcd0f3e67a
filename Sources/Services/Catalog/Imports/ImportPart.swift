import FoundationEssentials

/// The rows of the file that one step of an import handles, read as far as possible without the database.
struct ImportPart: Sendable {
    let rows: [ImportRow]
    let flaws: [Rejection]
    /// The reader before them and after them.
    let before: ImportReader
    let after: ImportReader
    /// Whether the window that the rows were read from reaches the end of the file.
    let isLast: Bool
    /// The rows with a valid key, and the errors in the keys of the others.
    let keyed: [KeyedRow]
    let unkeyed: [Rejection]
    /// The products, by line, that plain rows describe if their SKUs are new. Rows with errors are left to the step, which reports them.
    private(set) var new: [Int: NewRow] = [:]
    /// How amounts up to the end of these rows are interpreted, if the amounts before them are interpreted as `before` says.
    let amounts: AmountReader.Form?

    /// - Parameters:
    ///   - window: The file from the reader's position on, up to `ImportReader.windowBytes`.
    ///   - job: The import; its reader is the one before these rows.
    init(of window: [UInt8], _ job: ImportJob, _ products: ImportProducts, now: Date) throws(ImportReader.Unreadable) {
        before = job.reader
        isLast = job.reader.position + window.count >= job.bytes
        var job = job
        (rows, flaws) = try job.reader.read(window, isLast: isLast, limit: Imports.batchRows)
        after = job.reader
        var batch = ImportBatch(job: job, now: now)
        keyed = batch.keyed(rows)
        unkeyed = batch.rejections
        if job.kind == .products, job.reader.layout?.origin == .wharf {
            for row in keyed {
                batch.rejections = []
                if let product = products.new(row, &batch), batch.rejections.isEmpty { new[row.row.line] = product }
            }
        }
        amounts = batch.amounts
    }

    /// Whether no rows follow.
    func isEnd(fileBytes: Int) -> Bool { after.position >= fileBytes || isLast && rows.isEmpty && flaws.isEmpty }
}
