import FoundationEssentials
import Testing

@testable import JSON

@Suite struct `Numbers in JSON` {
    private func integer(_ text: String) -> Int? { try? JSON.decode(Int.self, from: Array(text.utf8)) }

    @Test(arguments: [
        ("2000", 2000), ("2000.0", 2000), ("2e3", 2000), ("2E+3", 2000), ("0.2e4", 2000), ("200000e-2", 2000), ("-2000.000", -2000), ("0", 0), ("-0", 0),
        ("0.000", 0), ("0e-400", 0), ("0e99999999999999999999", 0), ("9007199254740993", 9_007_199_254_740_993), ("9007199254740993.0", 9_007_199_254_740_993),
        ("9223372036854775807", .max), ("9.223372036854775807e18", .max), ("-9223372036854775808.0", .min),
    ])
    func `an integral number is that integer, however it is written`(text: String, value: Int) {
        #expect(integer(text) == value)
    }

    @Test(arguments: [
        "1999.99999999999999", "1999.9999999999999999999999", "1.5", "1e-400", "1e-1", "-0.0000000000000000000001", "9007199254740993.0000000000000001",
        "9223372036854775808", "9.223372036854775808e18", "-9223372036854775809", "1e19", "1e400", "1e99999999999999999999", "1e-99999999999999999999",
    ])
    func `a number with a fraction is not an integer, however close it comes`(text: String) {
        #expect(integer(text) == nil)
    }

    @Test func `small types accept the values that fit them`() throws {
        #expect(try JSON.decode(UInt8.self, from: Array("2.55e2".utf8)) == 255)
        #expect(throws: DecodingError.self) { try JSON.decode(UInt8.self, from: Array("2.56e2".utf8)) }
        #expect(throws: DecodingError.self) { try JSON.decode(UInt8.self, from: Array("-1.0".utf8)) }
    }

    @Test(arguments: ["1546130668394913822", "0.10", "-0", "1e-400", "1E+5", "123456789012345678901234567890.5", "1e999"])
    func `a number in a client's own data is returned as it was written`(text: String) throws {
        let numbers: [String: JSONNumber] = try JSON.decode(from: Array(#"{"a": \#(text)}"#.utf8))
        #expect(String(decoding: try JSON.encode(numbers), as: UTF8.self) == #"{"a":\#(text)}"#)
    }

    @Test(arguments: [("1e1000", true), ("1e-1000", true), ("1e1001", false), ("1e99999999", false), (String(repeating: "9", count: 1_001), false)])
    func `a number that no database holds is recognised`(text: String, isPlausible: Bool) throws {
        #expect(try JSON.decode(JSONNumber.self, from: Array(text.utf8)).isPlausible == isPlausible)
    }

    @Test(arguments: [#""1""#, "true", "null", "[]"])
    func `an invalid number is rejected`(text: String) {
        #expect(throws: DecodingError.self) { try JSON.decode(JSONNumber.self, from: Array(text.utf8)) }
    }
}
