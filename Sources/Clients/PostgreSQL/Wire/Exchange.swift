/// One request to the server with all of its answer. Never waits: it processes what has arrived, and is called again when more has.
///
/// An error that it throws ends the connection; a refusal by the server is in `outcome`.
protocol Exchange {
    /// Puts the request into libpq's buffer.
    mutating func begin(on link: Link) throws(PostgresError)
    /// True once the answer is complete and the link is in pipeline mode again.
    mutating func advance(on link: Link) throws(PostgresError) -> Bool
    var outcome: Outcome { get }
}

/// The result of an exchange.
struct Outcome: Sendable {
    var rows: [Rows] = []
    /// The first error.
    var error: PostgresError?
    /// The request was at least partly sent.
    var isSent = false
    /// The connection ended before the answer did.
    var isCutShort = false

    func get() throws(PostgresError) -> [Rows] {
        if let error { throw error }
        return rows
    }
}

/// Several statements in one text by the simple protocol: what migrations need.
struct ScriptExchange: Exchange {
    let text: String
    private(set) var outcome = Outcome()

    init(text: String) {
        self.text = text
    }

    mutating func begin(on link: Link) throws(PostgresError) {
        try link.leavePipeline()
        try link.sendScript(text)
    }

    mutating func advance(on link: Link) throws(PostgresError) -> Bool {
        while true {
            switch link.nextReply() {
            case .pending: return false
            case .rows(let rows): outcome.rows.append(rows)
            case .failed(let error): outcome.error = outcome.error ?? error
            case .end:
                guard !link.isBroken else { return false }
                try link.enterPipeline()
                return true
            case .copyIn: throw PostgresError(.misuse, "a script cannot COPY FROM STDIN")
            case .unexpected(let status): throw PostgresError(.protocolViolation, "a script was answered with \(status)")
            case .skipped, .synchronized: throw PostgresError(.protocolViolation, "a script was answered as if it were a pipeline")
            }
        }
    }
}
