import Synchronization

/// A connection as a closure sees it: of no use once the closure has ended.
final class Lease: SQLConnection {
    private let connection: PostgresConnection
    private let isTransaction: Bool
    private let isOver = Atomic<Bool>(false)

    init(of connection: PostgresConnection, isTransaction: Bool) {
        self.connection = connection
        self.isTransaction = isTransaction
    }

    func end() {
        isOver.store(true, ordering: .releasing)
    }

    func query(_ sql: SQL) async throws -> Rows {
        do {
            let rows = try await send([sql])
            guard let first = rows.first else { throw PostgresError(.protocolViolation, "a statement was not answered") }
            return first
        } catch var error as PostgresError {
            error.statementIndex = nil
            throw error
        }
    }

    func pipeline(_ statements: [SQL]) async throws -> [Rows] {
        try await send(statements)
    }

    func copy(into table: String, columns: [String], rows: some Sequence<[any PostgresEncodable]> & Sendable) async throws -> Int {
        try checkIsValid()
        let name = table.split(separator: ".").map { quotedIdentifier(String($0)) }.joined(separator: ".")
        let list = columns.map(quotedIdentifier).joined(separator: ", ")
        let data = try CopyData.encode(rows, columns: columns.count)
        if isTransaction { try await connection.begin() }
        let outcome = await connection.perform(.copy(sql: "COPY \(name) (\(list)) FROM STDIN (FORMAT binary)", data: data))
        return try outcome.get().last?.affected ?? 0
    }

    /// Runs several statements in one text, without values. They must not end the transaction.
    func script(_ text: String) async throws {
        try checkIsValid()
        if isTransaction { try await connection.begin() }
        _ = try await connection.perform(.script(text)).get()
        if isTransaction, connection.condition != .inTransaction {
            throw PostgresError(.misuse, "a script must leave its transaction open")
        }
    }

    private func send(_ statements: [SQL]) async throws(PostgresError) -> [Rows] {
        try checkIsValid()
        guard !statements.isEmpty else { return [] }
        guard statements.count <= PipelineExchange.maximumStatements else {
            throw PostgresError(.misuse, "a pipeline of \(statements.count) statements; at most \(PipelineExchange.maximumStatements) are allowed")
        }
        for sql in statements {
            guard sql.parameters.count <= SQL.maximumParameters, sql.parameters.byteCount < Parameters.maximumBytes else {
                throw PostgresError(.misuse, "a statement binds \(sql.parameters.count) values of \(sql.parameters.byteCount) bytes; bind arrays, or split it")
            }
        }
        return try await connection.perform(.statements(statements, isInTransaction: isTransaction)).get()
    }

    private func checkIsValid() throws(PostgresError) {
        guard !isOver.load(ordering: .acquiring) else {
            throw PostgresError(.misuse, "a connection was used after the closure that it was lent to")
        }
    }
}
