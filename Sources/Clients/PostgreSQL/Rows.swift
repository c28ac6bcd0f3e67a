/// The result of one statement. The whole result is in memory: bound it with LIMIT.
public struct Rows: RandomAccessCollection, Sendable {
    /// nil stands for no rows, as for a statement that was answered without any.
    let result: QueryResult?
    /// How many rows the statement inserted, changed, deleted, or selected.
    public let affected: Int
    /// The server's command tag: "INSERT 0 1", "COMMIT".
    let commandTag: String

    public var startIndex: Int { 0 }
    public var endIndex: Int { result?.count ?? 0 }

    public subscript(position: Int) -> Row {
        guard let result, indices.contains(position) else { preconditionFailure("row \(position) of \(count)") }
        return Row(result: result, index: position)
    }
}

/// One row. Values are read when asked for, from the bytes that the server sent.
public struct Row: Sendable {
    let result: QueryResult
    let index: Int

    /// Reads the value in the column of that name (the first one, where several have it).
    ///
    /// Throws `PostgresError` with code `.decoding`, which names the column, its SQL type and the type asked for.
    public func decode<Value: PostgresDecodable>(_ column: String, as: Value.Type = Value.self) throws(PostgresError) -> Value {
        guard let position = result.columns.positions[column] else {
            let names = result.columns.names.joined(separator: ", ")
            var error = PostgresError(.decoding, "there is no column \"\(column)\" among \(names)")
            error.column = column
            throw error
        }
        return try Value(cell: result.cell(row: index, column: position))
    }

    /// Reads the value in the column at that place, counted from 0.
    public func decode<Value: PostgresDecodable>(_ column: Int, as: Value.Type = Value.self) throws(PostgresError) -> Value {
        guard result.columns.names.indices.contains(column) else {
            throw PostgresError(.decoding, "there is no column \(column) among \(result.columns.names.count)")
        }
        return try Value(cell: result.cell(row: index, column: column))
    }
}
