import FoundationEssentials
import Testing

@testable import JSON

@Suite struct `JSON to the letter` {
    @Test(arguments: [
        "{}", " [ ] ", #"{"a": [1, -0.5e+3, 1E2, true, false, null, "x"], "b": {"a": {}}}"#, #""\u00e4\ud83d\ude00\"\\\/\b\f\n\r\t""#, "0", "-1",
        "\u{FEFF}{}",
    ])
    func `everything that RFC 8259 allows is accepted`(text: String) throws {
        _ = try JSONSyntax(checking: Array(text.utf8))
    }

    @Test(arguments: [
        ("", 1, 1, "a value is expected"), ("{", 1, 2, "the name of a field is expected, in quotes"), (#"{"a":1,}"#, 1, 8, "the name of a field is expected, in quotes"),
        ("[1,]", 1, 4, "a value is expected"), (#"{"a" 1}"#, 1, 6, "':' is expected"), ("[1 2]", 1, 4, "',' or ']' is expected"),
        ("{\n  \"a\": 1\n  \"b\": 2}", 3, 3, "',' or '}' is expected"), ("01", 1, 2, "the text goes on after its end"),
        ("1.", 1, 3, "a digit is expected"), ("+1", 1, 1, "a value is expected"), ("nul", 1, 1, "a value is expected"), ("NaN", 1, 1, "a value is expected"),
        ("'a'", 1, 1, "a value is expected"), (#""a"#, 1, 3, "the text has no end"), ("\"\t\"", 1, 2, "a control character must be escaped"),
        (#""\x""#, 1, 3, "this escape is unknown"), (#""\u12g4""#, 1, 3, "this escape is unknown"), (#""\ud800""#, 1, 8, "half a character was escaped"),
        (#""\udc00""#, 1, 8, "half a character was escaped"), (#"{"a":1,"\u0061":2}"#, 1, 8, "the field 'a' is there twice"), ("{}{}", 1, 3, "the text goes on after its end"),
    ])
    func `everything else is rejected with the reason and the place`(text: String, line: Int, column: Int, reason: String) {
        let fault = #expect(throws: JSONSyntax.Fault.self) { _ = try JSONSyntax(checking: Array(text.utf8)) }
        #expect(fault?.description == "line \(line), column \(column): \(reason)")
    }

    @Test func `depth is bounded`() throws {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8) }
        _ = try JSONSyntax(checking: nested(JSONSyntax.maximumDepth))
        #expect(throws: JSONSyntax.Fault.self) { _ = try JSONSyntax(checking: nested(JSONSyntax.maximumDepth + 1)) }
    }

    @Test func `encodings other than UTF-8 are rejected`() {
        #expect(throws: JSONSyntax.Fault.self) { _ = try JSONSyntax(checking: [0x7B, 0x00, 0x7D, 0x00]) }
        #expect(throws: JSONSyntax.Fault.self) { _ = try JSONSyntax(checking: Array("\"".utf8) + [0xFF] + Array("\"".utf8)) }
    }

    @Test func `U+0000 is detected where it is meant`() throws {
        #expect(try JSONSyntax(checking: Array(#"{"a": "\u0000"}"#.utf8)).holdsNUL)
        #expect(try !JSONSyntax(checking: Array(#"{"a": "\\u0000"}"#.utf8)).holdsNUL)
    }
}
