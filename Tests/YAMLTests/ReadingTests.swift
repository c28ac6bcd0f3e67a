import Testing

@testable import YAML

@Suite struct `Reading YAML` {
    /// Keys, values and levels; quoted texts in quotes.
    private static func outline(_ node: YAMLNode?) -> String {
        switch node?.value {
        case nil: "nothing"
        case .scalar(let text, let isPlain)?: isPlain ? text : "'\(text)'"
        case .mapping(let members)?: "{\(members.map { "\($0.key): \(outline($0.value))" }.joined(separator: ", "))}"
        case .sequence(let elements)?: "[\(elements.map(outline).joined(separator: ", "))]"
        }
    }

    @Test(arguments: [
        ("a: 1\nb: two words # a comment\nc:\n  d: [1, 'x', \"y\"]\n", "{a: 1, b: two words, c: {d: [1, 'x', 'y']}}"),
        ("a:\n- 1\n-\n  b: 2\n  c: {d: e}\n", "{a: [1, {b: 2, c: {d: e}}]}"), ("a: |\n  one\n    two\n\nb: >-\n  one\n  two\n", "{a: 'one\n  two\n', b: 'one two'}"),
        ("'a b': http://x/y#z\r\nc: \"\\u00e9\\n\"\r\n", "{a b: http://x/y#z, c: 'é\n'}"), ("a:\nb: ~\nc: {d, e: }\n", "{a: , b: ~, c: {d: , e: }}"),
        ("{\"a\":1,\"b\":[{},[]]}", "{a: 1, b: [{}, []]}"), ("---\ntext\n...\n", "text"), ("", "nothing"), ("# only this\n\n", "nothing"),
    ])
    func `a document is read into its values, in order`(yaml: String, values: String) throws {
        #expect(Self.outline(try YAMLReader.read(Array(yaml.utf8))) == values)
    }

    @Test func `a value knows its line`() throws {
        let node = try #require(try YAMLReader.read(Array("a: 1\nb:\n  - x\n  - {c: y}\n".utf8)))
        #expect(node["a"]?.line == 1)
        #expect(node["b"]?.sequence?.map(\.line) == [3, 4])
    }

    @Test(arguments: [
        ("a: 1\n  b: 2\n", 2), ("a: &x 1\n", 1), ("a: *x\n", 1), ("a: !t 1\n", 1), ("a: &x {}\n", 1), ("a: !t []\n", 1), ("a: 1\na: 2\n", 2), ("a: {b: 1, b: 2}\n", 1),
        ("a: \"\\q\"\n", 1), ("a: {b: 1]\n", 1), ("a:\n\tb: 1\n", 2), ("a: 'b' c\n", 1), ("a: b: c\n", 1), ("a: \"\\u12\"\n", 1), ("a: - 1\n", 1),
        ("[a]: b\n", 1), ("a: 1\n---\nb: 2\n", 2),
    ])
    func `anything else is rejected with its line`(yaml: String, line: Int) {
        let failure = #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array(yaml.utf8)) }
        #expect(failure?.line == line, "\(yaml): \(String(describing: failure))")
    }

    @Test func `bytes that are not UTF-8 are rejected`() {
        let failure = #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array("a: 1\nb: ".utf8) + [0xFF, 0xFE]) }
        #expect(failure?.message.isEmpty == false)
    }

    @Test(arguments: ["[", "a: [", "{a: ", "- "]) func `depth is bounded`(opening: String) {
        let failure = #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read(Array(String(repeating: opening, count: 5_000).utf8)) }
        #expect(failure?.message == "it is nested more than 64 levels deep")
    }

    @Test func `a document that is cut off anywhere results in a value or an error`() throws {
        let yaml = Array("a: {b: [1, 'x\\'']}\nc:\n  - |\n   text\n  - \"q\\u00e9\"\nd: >-\n  x\n\n  y\n".utf8)
        for length in yaml.indices { _ = try? YAMLReader.read(Array(yaml.prefix(length))) }
    }
}
