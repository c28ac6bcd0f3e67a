import CPostgreSQL

/// Owns a PGresult.
///
/// Unchecked Sendable because a PGresult is never written to once libpq has handed it out, and may then be read by any thread; it is freed with
/// its last reference.
final class QueryResult: @unchecked Sendable {
    private let result: OpaquePointer
    let columns: Columns
    let count: Int

    init(owning result: OpaquePointer, columns: Columns) {
        self.result = result
        self.columns = columns
        count = Int(PQntuples(result))
    }

    deinit {
        PQclear(result)
    }

    /// `row` and `column` are in range.
    func cell(row: Int, column: Int) -> PostgresCell {
        let row = Int32(row)
        let field = Int32(column)
        var bytes: UnsafeRawBufferPointer?
        if PQgetisnull(result, row, field) == 0 {
            bytes = UnsafeRawBufferPointer(start: PQgetvalue(result, row, field), count: Int(PQgetlength(result, row, field)))
        }
        return PostgresCell(result: self, column: column, type: columns.types[column], bytes: bytes)
    }
}

/// The columns of a result. A prepared statement's are read once and shared by its results, since the server keeps them the same
/// (but for such as FETCH, which answers with the columns of its cursor).
final class Columns: Sendable {
    let names: [String]
    let types: [SQLType]
    let positions: [String: Int]

    init(of result: OpaquePointer) {
        let fields = 0..<PQnfields(result)
        names = fields.map { field in PQfname(result, field).map { String(cString: $0) } ?? "" }
        types = fields.map { SQLType(rawValue: PQftype(result, $0)) }
        positions = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    func describe(_ result: OpaquePointer) -> Bool {
        PQnfields(result) == types.count && types.indices.allSatisfy { PQftype(result, Int32($0)) == types[$0].rawValue }
    }
}
