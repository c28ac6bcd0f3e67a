import FoundationEssentials
import IOThreads

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
    /// The keys of `keyed`, each once.
    let keys: Keys
    /// How amounts up to the end of these rows are interpreted, if the amounts before them are interpreted as `before` says.
    let amounts: AmountReader.Form?
    /// The number of rows of the file.
    let rowCount: Int
    /// Nil in a dry run, or if any row describes anything but a new product without variants.
    let fresh: FreshProducts?

    /// Keys with the lines on which they first occur, as arrays for the database.
    struct Keys: Sendable {
        private(set) var names: [String] = []
        private(set) var lines: [Int] = []
        /// Whether a key was found more than once.
        private(set) var areRepeated = false

        init(_ rows: [KeyedRow]) {
            var found = Set<String>(minimumCapacity: rows.count)
            names.reserveCapacity(rows.count)
            lines.reserveCapacity(rows.count)
            for row in rows {
                add(row, &found)
                for part in row.parts { add(part, &found) }
            }
        }

        private mutating func add(_ row: KeyedRow, _ found: inout Set<String>) {
            guard found.insert(row.key).inserted else { return areRepeated = true }
            names.append(row.key)
            lines.append(row.row.line)
        }

        func without(_ others: [String: Int]) -> Keys {
            guard !others.isEmpty else { return self }
            var rest = self
            let places = names.indices.filter { others[names[$0]] == nil }
            (rest.names, rest.lines) = (places.map { names[$0] }, places.map { lines[$0] })
            return rest
        }
    }

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
        keys = Keys(keyed)
        if job.kind == .products, job.reader.layout?.origin == .wharf {
            for row in keyed {
                pauseIfNeeded()
                batch.rejections = []
                if let product = products.new(row, &batch), batch.rejections.isEmpty { new[row.row.line] = product }
            }
        }
        amounts = batch.amounts
        rowCount = rows.reduce(0) { $0 + $1.lineCount }
        fresh = job.dryRun ? nil : FreshProducts(keyed, new, keys, job)
    }

    /// Whether no rows follow.
    func isEnd(fileBytes: Int) -> Bool { after.position >= fileBytes || isLast && rows.isEmpty && flaws.isEmpty }
}
