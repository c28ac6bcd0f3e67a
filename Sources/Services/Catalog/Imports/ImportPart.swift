import FoundationEssentials

/// The rows that one step of an import takes from its file, read as far as possible without the database.
struct ImportPart: Sendable {
    let rows: [ImportRow]
    let flaws: [Rejection]
    /// The reader before them and after them.
    let before: ImportReader
    let after: ImportReader
    /// Whether the file ends with the window that they were read from.
    let isLast: Bool
    /// Those that have a valid key, and what is wrong with the keys of the others.
    let keyed: [KeyedRow]
    let unkeyed: [Rejection]
    /// By line, the products that plain rows describe if their SKUs are new. Rows in which something is wrong are left to the step, which reports it.
    private(set) var new: [Int: NewRow] = [:]
    /// How the amounts up to their end are meant, if those before them are meant as `before` says.
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

    /// Whether there are no more rows behind these.
    func isEnd(fileBytes: Int) -> Bool { after.position >= fileBytes || isLast && rows.isEmpty && flaws.isEmpty }
}
