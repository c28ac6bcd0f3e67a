import CPostgreSQL

/// Owns a PGconn and what belongs to it. Used by the connection actor alone, and so by the I/O thread alone; freed with the last reference.
///
/// Nothing here blocks: libpq receives addresses, so it does not look up names.
final class Link {
    enum Reply {
        /// The rest has not arrived.
        case pending
        case rows(Rows)
        case failed(PostgresError)
        /// Not tried, because an earlier statement failed.
        case skipped
        /// One command has been answered in full.
        case end
        /// The whole pipeline has been answered.
        case synchronized
        case copyIn
        case unexpected(String)
    }

    enum Connecting {
        case waiting(toWrite: Bool)
        case ready
    }

    private let connection: OpaquePointer
    private let server: String
    var statements: StatementCache
    /// libpq holds bytes that the socket did not take yet.
    private(set) var wantsToWrite = false

    /// - Parameter addresses: the addresses of the server's host name, tried one after the other; empty if there is no name to look up.
    init(to server: ConnectionSettings.Server, at addresses: [String], statementCacheSize: Int) throws(PostgresError) {
        var parameters = server.parameters
        if let host = server.hostName, !addresses.isEmpty {
            // libpq needs a name for each address, to verify the certificate.
            parameters.removeAll { $0.keyword == "host" }
            parameters += [("host", addresses.map { _ in host }.joined(separator: ",")), ("hostaddr", addresses.joined(separator: ","))]
        }
        let keywords = parameters.map(\.keyword)
        let values = parameters.map(\.value)
        let connection = withCStrings(keywords) { keywords in withCStrings(values) { PQconnectStartParams(keywords, $0, 0) } }
        guard let connection else { throw PostgresError(.connection, "no memory for a connection") }
        self.connection = connection
        self.server = server.name
        statements = StatementCache(capacity: statementCacheSize)
        // The default prints notices to standard error.
        _ = PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    deinit {
        PQfinish(connection)
    }

    /// May change while connecting, when one host after the other is tried.
    var socket: Int32 { PQsocket(connection) }
    var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }
    var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }
    var isInFailedTransaction: Bool { PQtransactionStatus(connection) == PQTRANS_INERROR }
    var backend: Int32 { PQbackendPID(connection) }
    /// The value the server last reported, which it does by itself whenever that changes (PostgreSQL 14 and later).
    var isReadOnly: Bool {
        isReported("default_transaction_read_only") || isReported("in_hot_standby")
    }

    private func isReported(_ parameter: String) -> Bool {
        PQparameterStatus(connection, parameter).map { String(cString: $0) } == "on"
    }

    func cancelHandle() -> CancelHandle? {
        PQgetCancel(connection).map { CancelHandle(owning: $0) }
    }

    func error(_ code: PostgresError.Code, doing what: String) -> PostgresError {
        PostgresError(code, of: connection, doing: what)
    }

    /// Names the server, because libpq names only the address.
    var connectFailure: PostgresError { error(.connection, doing: "connecting to PostgreSQL at \(server)") }

    func continueConnecting() throws(PostgresError) -> Connecting {
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: return .waiting(toWrite: false)
        case PGRES_POLLING_WRITING: return .waiting(toWrite: true)
        case PGRES_POLLING_OK:
            guard PQsetnonblocking(connection, 1) == 0 else { throw error(.connection, doing: "making the socket non-blocking") }
            try enterPipeline()
            return .ready
        default: throw connectFailure
        }
    }

    // MARK: Sending. Each call fills libpq's buffer; `flush` moves it to the socket.

    func sendPrepare(_ statement: StatementCache.Statement) throws(PostgresError) {
        let types = statement.key.types
        try check(PQsendPrepare(connection, statement.name, statement.key.text, Int32(types.count), types), doing: "preparing a statement")
    }

    func sendExecute(_ statement: StatementCache.Statement, _ parameters: Parameters) throws(PostgresError) {
        let sent = parameters.withArrays { values, lengths, formats in
            PQsendQueryPrepared(connection, statement.name, Int32(parameters.count), values, lengths, formats, Format.binary)
        }
        try check(sent, doing: "sending a statement")
    }

    /// Without a name, and so without a place in the cache.
    func sendOnce(_ text: String, _ parameters: Parameters) throws(PostgresError) {
        let sent = parameters.withArrays { values, lengths, formats in
            PQsendQueryParams(connection, text, Int32(parameters.count), parameters.types, values, lengths, formats, Format.binary)
        }
        try check(sent, doing: "sending a statement")
    }

    func sendSync() throws(PostgresError) {
        try check(PQpipelineSync(connection), doing: "ending a pipeline")
    }

    /// The simple protocol: several statements in one text. Only outside pipeline mode, as libpq has it.
    func sendScript(_ text: String) throws(PostgresError) {
        try check(PQsendQuery(connection, text), doing: "sending a script")
    }

    func enterPipeline() throws(PostgresError) {
        try check(PQenterPipelineMode(connection), doing: "entering pipeline mode")
    }

    func leavePipeline() throws(PostgresError) {
        try check(PQexitPipelineMode(connection), doing: "leaving pipeline mode")
    }

    func flush() {
        // A failure shows when reading, which also returns what the server sent before it closed.
        wantsToWrite = PQflush(connection) == 1
    }

    // MARK: Receiving

    /// Reads what the socket has. False: the connection is lost (what had arrived can still be taken).
    func receive() -> Bool {
        var isAlive = PQconsumeInput(connection) == 1
        // A TLS record can be larger than what libpq reads at once, and the socket would not become readable for the rest.
        while isAlive, postgres_pending_bytes(connection) > 0 { isAlive = PQconsumeInput(connection) == 1 }
        if wantsToWrite { flush() }
        return isAlive
    }

    /// Lets libpq look at messages that came unasked: notices, changed settings, the reason for a shutdown.
    func takeUnasked() {
        _ = PQisBusy(connection)
        while let notification = PQnotifies(connection) { PQfreemem(notification) }
    }

    /// The next part of the answer. `statement` is what it answers, when that is prepared.
    func nextReply(to statement: StatementCache.Statement? = nil) -> Reply {
        guard PQisBusy(connection) == 0 else { return .pending }
        guard let result = PQgetResult(connection) else { return .end }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK:
            return .rows(rows(owning: result, of: statement))
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            defer { PQclear(result) }
            return .rows(Rows(result: nil, affected: affected(by: result), commandTag: String(cString: PQcmdStatus(result))))
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
            defer { PQclear(result) }
            return .failed(PostgresError(result: result))
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            return .skipped
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            return .synchronized
        case PGRES_COPY_IN:
            PQclear(result)
            return .copyIn
        case let status:
            PQclear(result)
            return .unexpected(String(cString: PQresStatus(status)))
        }
    }

    private func rows(owning result: OpaquePointer, of statement: StatementCache.Statement?) -> Rows {
        let known = statement?.columns.flatMap { $0.describe(result) ? $0 : nil }
        let columns = known ?? Columns(of: result)
        statement?.columns = columns
        let affected = affected(by: result)
        let tag = String(cString: PQcmdStatus(result))
        return Rows(result: QueryResult(owning: result, columns: columns), affected: affected, commandTag: tag)
    }

    private func affected(by result: OpaquePointer) -> Int {
        Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    private func check(_ success: Int32, doing what: String) throws(PostgresError) {
        guard success == 1 else { throw error(isBroken ? .connection : .protocolViolation, doing: what) }
    }
}

/// Lends strings as the null-terminated array of C strings that libpq takes.
private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    // One buffer holds them all, so that lending needs no recursion.
    var bytes: [CChar] = []
    var offsets: [Int] = []
    for string in strings {
        offsets.append(bytes.count)
        bytes.append(contentsOf: string.utf8CString)
    }
    return bytes.withUnsafeBufferPointer { buffer in
        let pointers = offsets.map { offset in buffer.baseAddress.map { $0 + offset } } + [nil]
        return body(pointers)
    }
}
