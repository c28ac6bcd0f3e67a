/// COPY … FROM STDIN. The rows are already encoded; they are handed to libpq piece by piece, no faster than the socket takes them.
struct CopyExchange: Exchange {
    private static let pieceSize = 64 * 1024

    private let sql: String
    private let data: [UInt8]
    private var sent = 0
    private var isSending = false
    private(set) var outcome = Outcome()

    init(sql: String, data: [UInt8]) {
        self.sql = sql
        self.data = data
    }

    mutating func begin(on link: Link) throws(PostgresError) {
        try link.leavePipeline()
        try link.sendScript(sql)
    }

    mutating func advance(on link: Link) throws(PostgresError) -> Bool {
        while true {
            if isSending {
                guard try send(on: link) else { return false }
                isSending = false
            }
            switch link.nextReply() {
            case .pending: return false
            case .copyIn: isSending = true
            case .rows(let rows): outcome.rows = [rows]
            case .failed(var error):
                error.statement = sql
                outcome.error = outcome.error ?? error
            case .end:
                guard !link.isBroken else { return false }
                try link.enterPipeline()
                return true
            case .unexpected(let status): throw PostgresError(.protocolViolation, "COPY was answered with \(status)")
            case .skipped, .synchronized: throw PostgresError(.protocolViolation, "COPY was answered as if it were a pipeline")
            }
        }
    }

    /// True once everything is with libpq.
    private mutating func send(on link: Link) throws(PostgresError) -> Bool {
        while sent < data.count {
            link.flush()
            guard !link.wantsToWrite else { return false }
            let end = min(sent + Self.pieceSize, data.count)
            try link.sendCopyData(data[sent..<end])
            sent = end
        }
        try link.sendCopyEnd()
        link.flush()
        return true
    }
}

/// Rows in the binary format of COPY.
enum CopyData {
    /// The rows of one COPY, which are all in memory at once.
    static let maximumBytes = 256 << 20

    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF] + Array("\r\n\0".utf8)

    static func encode(_ rows: some Sequence<[any PostgresEncodable]>, columns: Int) throws(PostgresError) -> [UInt8] {
        var encoder = PostgresEncoder()
        encoder.append(contentsOf: signature)
        // No flags, no extension.
        encoder.append(Int32(0))
        encoder.append(Int32(0))
        for row in rows {
            guard row.count == columns else { throw PostgresError(.misuse, "a row of \(row.count) values for \(columns) columns") }
            encoder.append(Int16(truncatingIfNeeded: columns))
            for value in row { value.encode(to: &encoder) }
            guard encoder.bytes.count <= maximumBytes else {
                throw PostgresError(.misuse, "more than \(maximumBytes >> 20) MiB in one COPY; split it")
            }
        }
        encoder.append(Int16(-1))
        return encoder.bytes
    }
}
