import Testing

@testable import PostgreSQL

@Suite struct SQLTests {
    @Test func `values are numbered and never become text`() {
        let name = "Robert'); DROP TABLE students;--"
        let sql: SQL = "SELECT * FROM students WHERE name = \(name) AND age > \(7)"
        #expect(sql.text == "SELECT * FROM students WHERE name = $1 AND age > $2")
        #expect(sql.parameters.types == [25, 20])
    }

    @Test func `clauses are composed and numbered anew`() {
        var sql: SQL = "SELECT 1 FROM t WHERE a = \(1)"
        let clause: SQL = " AND b = \(2) AND c = \("x")"
        sql += clause
        sql = sql + " LIMIT \(10)"
        #expect(sql.text == "SELECT 1 FROM t WHERE a = $1 AND b = $2 AND c = $3 LIMIT $4")
        let nested: SQL = "WITH x AS (\(sql)) SELECT \(true)"
        #expect(nested.text == "WITH x AS (SELECT 1 FROM t WHERE a = $1 AND b = $2 AND c = $3 LIMIT $4) SELECT $5")
        #expect(nested.parameters.types == [20, 20, 25, 20, 16])
    }

    @Test func `a statement describes itself without its values`() {
        let sql: SQL = "SELECT \("secret")"
        #expect("\(sql)" == "SELECT $1")
    }

    @Test func `names are quoted`() {
        let sql: SQL = "SELECT \(raw: "count(*)") FROM \(identifier: "odd \"name\"")"
        #expect(sql.text == "SELECT count(*) FROM \"odd \"\"name\"\"\"")
    }
}
