/// Statements that are sent one after the other without waiting, then answered one after the other. The first that fails ends it: the rest is skipped.
struct PipelineExchange: Exchange {
    /// The statements of one pipeline, which are all in memory at once.
    static let maximumStatements = 10_000
    /// Wharf waits for a lock and then looks at what its holder has committed, which no other level shows. Neither READ WRITE nor READ ONLY is asked for:
    /// an operator who makes a server read-only, as before a switchover, must not be overruled.
    static let begin: SQL = "BEGIN ISOLATION LEVEL READ COMMITTED"

    private let statements: [SQL]
    private let opensTransaction: Bool
    private var answer = PipelineAnswer()

    init(_ statements: [SQL], opensTransaction: Bool) {
        self.statements = statements
        self.opensTransaction = opensTransaction
    }

    var outcome: Outcome { answer.outcome }

    mutating func begin(on link: Link) throws(PostgresError) {
        if opensTransaction { try send(Self.begin, at: nil, on: link) }
        for (index, sql) in statements.enumerated() { try send(sql, at: index, on: link) }
        try link.sendSync()
        answer.statements = statements
    }

    private mutating func send(_ sql: SQL, at index: Int?, on link: Link) throws(PostgresError) {
        let text = sql.text
        guard link.statements.capacity > 0 else {
            try link.sendOnce(text, sql.parameters)
            answer.steps.append(.execute(nil, at: index))
            return
        }
        let statement: StatementCache.Statement
        switch link.statements.find(StatementCache.Key(text: text, types: sql.parameters.types)) {
        case .prepared(let known): statement = known
        case .new(let new):
            try deallocateAbandoned(on: link)
            try link.sendPrepare(new)
            answer.steps.append(.prepare(new, at: index))
            statement = new
        }
        try link.sendExecute(statement, sql.parameters)
        answer.steps.append(.execute(statement, at: index))
    }

    private mutating func deallocateAbandoned(on link: Link) throws(PostgresError) {
        // In a failed transaction the server would refuse, and with it the pipeline.
        guard !link.isInFailedTransaction else { return }
        for statement in link.statements.takeAbandoned() {
            try link.sendOnce("DEALLOCATE \(statement.name)", Parameters())
            answer.steps.append(.deallocate(statement))
        }
    }

    mutating func advance(on link: Link) throws(PostgresError) -> Bool {
        while true {
            let reply = link.nextReply(to: answer.current)
            switch reply {
            case .pending: return false
            case .end where link.isBroken: return false
            default: if try answer.take(reply, &link.statements) { return true }
            }
        }
    }
}

/// Reads the answer to a pipeline: which reply belongs to which step, and what it means for the cache. Does no I/O.
struct PipelineAnswer {
    enum Step {
        case deallocate(StatementCache.Statement)
        case prepare(StatementCache.Statement, at: Int?)
        case execute(StatementCache.Statement?, at: Int?)
    }

    var steps: [Step] = []
    var statements: [SQL] = []
    private(set) var outcome = Outcome()
    private var position = 0
    private var hasFinalError = false

    /// The statement whose rows come next.
    var current: StatementCache.Statement? {
        if position < steps.count, case .execute(let statement, _) = steps[position] { statement } else { nil }
    }

    /// True once the pipeline is answered.
    mutating func take(_ reply: Link.Reply, _ cache: inout StatementCache) throws(PostgresError) -> Bool {
        if case .synchronized = reply { return true }
        guard position < steps.count else {
            try takeFinal(reply)
            return false
        }
        let step = steps[position]
        switch (reply, step) {
        case (.rows, .prepare(let statement, _)): cache.confirm(statement)
        case (.rows, .deallocate): break
        // BEGIN has no index: its answer belongs to no caller.
        case (.rows(let rows), .execute(_, at: let index)): if index != nil { outcome.rows.append(rows) }
        case (.skipped, .prepare(let statement, _)): cache.forget(statement)
        case (.skipped, .deallocate(let statement)): cache.returnAbandoned(statement)
        case (.skipped, .execute): break
        case (.failed(let error), _): fail(step, error, &cache)
        case (.end, _): position += 1
        case (.copyIn, _): throw PostgresError(.misuse, "a statement cannot COPY FROM STDIN")
        case (.unexpected(let status), _): throw PostgresError(.protocolViolation, "a statement was answered with \(status)")
        case (.pending, _), (.synchronized, _): break
        }
        return false
    }

    /// What comes after the last statement: outside a transaction the pipeline commits at its end, and that can fail as well.
    private mutating func takeFinal(_ reply: Link.Reply) throws(PostgresError) {
        switch reply {
        case .failed(let error) where !hasFinalError:
            hasFinalError = true
            outcome.error = outcome.error ?? error
        case .end where hasFinalError: hasFinalError = false
        default: throw PostgresError(.protocolViolation, "more was answered than was asked")
        }
    }

    private mutating func fail(_ step: Step, _ error: PostgresError, _ cache: inout StatementCache) {
        var error = error
        switch step {
        case .prepare(let statement, let index):
            cache.forget(statement)
            describe(&error, at: index)
        case .execute(let statement, let index):
            if let statement, error.isStalePlan {
                // In the first case the server does not know the statement, in the second it cannot use its plan.
                if error.sqlState == "26000" { cache.forget(statement) } else { cache.abandon(statement) }
            }
            describe(&error, at: index)
        case .deallocate: break
        }
        outcome.error = outcome.error ?? error
    }

    private func describe(_ error: inout PostgresError, at index: Int?) {
        guard let index else { return }
        error.statementIndex = index
        error.statement = statements[index].text
    }
}
