import Foundation
import Testing

@testable import PostgreSQL

private enum Color: String, PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    case red, green
}

@Suite(.timeLimit(.minutes(3))) struct ValueTests {
    private func expectRoundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(_ values: Value...) async throws {
        let pool = try await makePool(size: 1)
        for value in values {
            #expect(try await pool.value("SELECT \(value)", as: Value.self) == value)
        }
        #expect(try await pool.value("SELECT \(Value?.none)", as: Value?.self) == nil)
        await pool.close()
    }

    @Test func `numbers are read back unchanged`() async throws {
        try await expectRoundTrip(0, 1, -1, Int.max, .min)
        try await expectRoundTrip(Int64.min, .max)
        try await expectRoundTrip(Int32.min, -7, .max)
        try await expectRoundTrip(Int16.min, 300, .max)
        try await expectRoundTrip(0.1, -0.0, Double.greatestFiniteMagnitude, .infinity, .leastNonzeroMagnitude)
        try await expectRoundTrip(true, false)
    }

    @Test func `text, bytes, ids and JSON are read back unchanged`() async throws {
        try await expectRoundTrip("", "plain", "naïve 🚢 \\ ' \" $1 \n", String(repeating: "x", count: 100_000))
        try await expectRoundTrip([UInt8](), [0, 1, 255], [UInt8](repeating: 0, count: 70_000))
        try await expectRoundTrip(UUID(), UUID())
        try await expectRoundTrip(JSONB(text: #"{"a": [1, null, "ä"]}"#), JSONB(text: "null"))
    }

    @Test func `dates keep their microseconds`() async throws {
        let exact = Date(timeIntervalSince1970: 1_790_000_000.123456)
        let pool = try await makePool(size: 1)
        let back = try await pool.value("SELECT \(exact)", as: Date.self)
        #expect(abs(back.timeIntervalSince(exact)) < 0.000_000_5)
        #expect(try await pool.value("SELECT \(exact)::text LIKE '2026-09-21%.123456%'", as: Bool.self))
        #expect(try await pool.value("SELECT 'infinity'::timestamptz", as: Date.self) == .distantFuture)
        #expect(try await pool.value("SELECT \(Date(timeIntervalSince1970: -1e300))::text", as: String.self) == "-infinity")
        #expect(try await pool.value("SELECT \(Date(timeIntervalSince1970: .infinity))::text", as: String.self) == "infinity")
        #expect(try await pool.value("SELECT \(Date(timeIntervalSince1970: .nan))", as: Date?.self) == nil)
        try await expectRoundTrip(Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: -86_400 * 365 * 500), Date(timeIntervalSince1970: 4e9))
    }

    @Test func `arrays are read back unchanged, empty ones and NULLs included`() async throws {
        try await expectRoundTrip([1, 2, 3], [], Array(0..<5000))
        try await expectRoundTrip([Int32](), [1, -1])
        try await expectRoundTrip([Int64.max])
        try await expectRoundTrip([Int16.max])
        try await expectRoundTrip([0.5, 1e300])
        try await expectRoundTrip([String](), ["a", "", "NULL", "{x,\"y\"}"])
        try await expectRoundTrip([true, false])
        try await expectRoundTrip([UUID(), UUID()])
        try await expectRoundTrip([Date(timeIntervalSince1970: 1e9)])
        try await expectRoundTrip([[UInt8]](), [[1, 2], [], [255]])
        try await expectRoundTrip([JSONB(text: "{}"), JSONB(text: "[1]")])
        try await expectRoundTrip(["a", nil, "b"] as [String?], [nil], [])
        try await expectRoundTrip([UUID(), nil] as [UUID?])
        try await expectRoundTrip([1, nil, 3] as [Int?])
        try await expectRoundTrip([Date(timeIntervalSince1970: 1), nil] as [Date?])
        try await expectRoundTrip([[1], nil] as [[UInt8]?])
        try await expectRoundTrip([JSONB(text: "1"), nil] as [JSONB?])
    }

    @Test func `arrays unnest into rows`() async throws {
        let pool = try await makePool(size: 1)
        let rows = try await pool.query(
            "SELECT * FROM unnest(\(["a", "b", "c"]), \([1, nil, 3] as [Int?])) AS t (name, number)")
        #expect(try rows.map { try $0.decode("name", as: String.self) } == ["a", "b", "c"])
        #expect(try rows.map { try $0.decode("number", as: Int?.self) } == [1, nil, 3])
    }

    @Test func `whole numbers are read from every type that holds one`() async throws {
        let pool = try await makePool(size: 1)
        let row = try #require(
            try await pool.query(
                """
                SELECT 7::int2 AS a, 70000::int4 AS b, sum(x)::numeric AS c, 5::oid AS d,
                       -120000.0::numeric AS e, 0::numeric AS f, 10000::numeric AS g
                FROM unnest(\([1, 2])) AS x
                """
            ).first)
        #expect(try row.decode("a", as: Int.self) == 7)
        #expect(try row.decode("b", as: Int64.self) == 70_000)
        #expect(try row.decode("c", as: Int.self) == 3)
        #expect(try row.decode("d", as: Int32.self) == 5)
        #expect(try row.decode("e", as: Int.self) == -120_000)
        #expect(try row.decode("f", as: Int.self) == 0)
        #expect(try row.decode("g", as: Int16.self) == 10_000)
        #expect(try row.decode("e", as: Double.self) == -120_000)
        #expect(try await pool.value("SELECT 3.14159265358979::numeric", as: Double.self) == 3.14159265358979)
        #expect(try await pool.value("SELECT 0.00001234::numeric", as: Double.self) == 0.00001234)
        #expect(try await pool.value("SELECT 1.5::float4", as: Double.self) == 1.5)
        #expect(try await pool.value("SELECT 9223372036854775807::numeric", as: Int.self) == .max)
        #expect(try await pool.value("SELECT (-9223372036854775808)::numeric", as: Int.self) == .min)
    }

    @Test func `enums in Swift and in PostgreSQL are matched by text`() async throws {
        let pool = try await makePool(size: 1)
        try await pool.withConnection { _ = try await $0.execute("CREATE TYPE color AS ENUM ('red', 'green', 'blue')") }
        #expect(try await pool.value("SELECT \(Color.green)::color", as: Color.self) == .green)
        #expect(try await pool.value("SELECT \([Color.green, .red])::color[]", as: [Color].self) == [.green, .red])
        #expect(try await pool.value("SELECT 'red'::color", as: String.self) == "red")
        let error = await postgresError { try await pool.value("SELECT 'blue'::color AS paint", as: Color.self) }
        #expect(error?.code == .decoding)
        #expect(error?.column == "paint")
    }

    @Test(
        arguments: [
            ("SELECT NULL::text AS n", "column \"n\" (text) cannot be read as Int: it is NULL"),
            ("SELECT 'x'::text AS n", "column \"n\" (text) cannot be read as Int"),
            ("SELECT 1.5::numeric AS n", "column \"n\" (numeric) cannot be read as Int: it has a fraction"),
            ("SELECT 1e40::numeric AS n", "column \"n\" (numeric) cannot be read as Int: it does not fit"),
            ("SELECT 'NaN'::numeric AS n", "column \"n\" (numeric) cannot be read as Int: it is not finite"),
            ("SELECT now()::timestamp AS n", "column \"n\" (timestamp without time zone) cannot be read as Int"),
        ] as [(SQL, String)])
    func `an error names the column, its type and the type asked for`(sql: SQL, message: String) async throws {
        let pool = try await makePool(size: 1)
        let error = await postgresError { try await pool.value(sql, as: Int.self) }
        #expect(error?.code == .decoding)
        #expect(error?.message == message)
        #expect(error?.isTransient == false)
    }

    @Test func `a value that does not fit, is missing or has another shape is an error`() async throws {
        let pool = try await makePool(size: 1)
        let narrow = await postgresError { try await pool.value("SELECT \(70_000) AS wide", as: Int16.self) }
        #expect(narrow?.message == "column \"wide\" (bigint) cannot be read as Int16: 70000 does not fit")
        let element = await postgresError { try await pool.value("SELECT \(["a", nil] as [String?]) AS names", as: [String].self) }
        #expect(element?.message.contains("its elements are text: it is NULL") == true)
        let nested = await postgresError { try await pool.value("SELECT ARRAY[[1,2],[3,4]] AS grid", as: [Int].self) }
        #expect(nested?.message.contains("2 dimensions") == true)
        let scalar = await postgresError { try await pool.value("SELECT 1::int8 AS one", as: [Int].self) }
        #expect(scalar?.code == .decoding)
        let rows = try await pool.query("SELECT 1 AS a, 2 AS b")
        let row = try #require(rows.first)
        #expect(throws: PostgresError.self) { try row.decode("c", as: Int.self) }
        #expect(throws: PostgresError.self) { try row.decode(2, as: Int.self) }
        #expect(try row.decode(1, as: Int.self) == 2)
    }
}
