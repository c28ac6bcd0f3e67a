import Testing
import Yams

@testable import Ingress

/// The ingress's reader is compared with a complete one.
@Suite struct YAMLTests {
    private static func json(_ yaml: String) throws -> String {
        JSONText.text(of: try #require(try YAMLReader.read(Array(yaml.utf8))))
    }

    @Test(arguments: [
        "a: 1\nb: two words # a comment\nc:\n  d: [1, 'x', \"y\"]\n",
        "# a comment\n\na:\n  - b: 1\n    c: 2\n  - d\n  -\n    e: 3\n",
        "a:\n- 1\n- 2\nb: {c: d, e: [f, g], 'h': \"i\"}\n",
        "a: |\n  one\n    two\n\n  three\n\nb: >-\n  one\n  two\n\n  three\nc: >\n  a\n   b\n  c\n",
        "a: |+\n  one\n\nb: |-\n  two\n",
        "a: one\n  two\n\n  three\nb: 'it''s\n  folded'\nc: \"x\\n\\u00e9 \\\"q\\\"\"\n",
        "a: {\n  b: 1, # one\n  c: [\n    d,\n    e\n  ],\n}\n",
        "c: ''\nd: http://x/y#z\ne: a#b\nf: -1\n",
        "\"a b\": 1\n'c': 2\n", "- - 1\n  - 2\n- {a: b}\n", "[1, [2, {}], []]", "{\"a\":1,\"b\":{\"c\":null}}",
        "a: 1\r\nb: |\r\n  x\r\n  y\r\nc: 'd'\r\n", "text", "a: 1\n - b\n", "a: [x y, 'z']\nb: {c: 1}\n",
    ])
    func `it reads the same as a complete reader`(yaml: String) throws {
        let ours = try Self.json(yaml)
        let theirs = try #require(try Yams.compose(yaml: yaml))
        #expect(try Yams.compose(yaml: ours) == theirs, "\(ours)")
    }

    @Test(arguments: [
        ("a: 1\n  b: 2\n", 2), ("a: &x 1\n", 1), ("a: *x\n", 1), ("a: !t 1\n", 1), ("a: 1\na: 2\n", 2), ("a: 'b\n", 1), ("a: \"\\q\"\n", 1),
        ("a: [1, 2\n", 2), ("a: {b: 1]\n", 1), ("a:\n\tb: 1\n", 2), ("a: 'b' c\n", 1), ("a: b: c\n", 1), ("a: 1\nb\n", 2),
        ("a: | x\n", 1), ("a: \"\\u12\"\n", 1), ("a: [b: 1]\n", 1), ("a: - 1\n", 1), ("? a\n: b\n", 1), ("--- \na: 1\n", 2),
    ])
    func `anything else is rejected with its line`(yaml: String, line: Int) {
        let failure = #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array(yaml.utf8)) }
        #expect(failure?.line == line, "\(yaml): \(String(describing: failure))")
    }

    @Test func `an omitted value is null`() throws {
        #expect(try Self.json("a:\nb: ~\nc: {d, e: }\n") == #"{"a":null,"b":null,"c":{"d":null,"e":null}}"#)
    }

    @Test func `an empty document has no value`() throws {
        #expect(try YAMLReader.read([]) == nil)
        #expect(try YAMLReader.read(Array("# only this\n\n".utf8)) == nil)
    }

    @Test func `depth is bounded`() {
        let failure = #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array(String(repeating: "[", count: 100_000).utf8)) }
        #expect(failure?.message == "there are more than 64 levels")
    }

    @Test func `a document that ends anywhere is a value or an error`() throws {
        let yaml = Array("a: {b: [1, 'x\\'']}\nc:\n  - |\n   text\n  - \"q\\u00e9\"\nd: >-\n  x\n\n  y\n".utf8)
        for length in yaml.indices { _ = try? YAMLReader.read(Array(yaml.prefix(length))) }
    }
}
