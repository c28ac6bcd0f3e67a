import FoundationEssentials
import Seeds
import Testing

@testable import JSON

@Suite struct `The JSON dialect` {
    /// Every kind of value in messages.
    struct Sample: Codable, Equatable {
        enum Kind: String, Codable, CaseIterable { case one, two }

        var zulu: String
        var alpha: Int
        var id: UUID
        var at: Date
        var kind: Kind
        var flag: Bool
        var ratio: Double
        var byte: UInt8
        var maybe: String?
        var texts: [String: String]
        var times: [Date]
        var ids: [UUID?]
        var nested: [Inner]
        var any: JSONValue

        struct Inner: Codable, Equatable {
            var number: Int64
            var name: String?
            var none: [Int]
        }
    }

    private static func foundation(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
        }
        return try Array(encoder.encode(value))
    }

    private static func decodedByFoundation<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        return try decoder.decode(type, from: Data(bytes))
    }

    @Test(arguments: 0..<20)
    func `any value is encoded as Foundation encodes it, and read as Foundation reads it`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<25 {
            let sample = Sample.random(using: &random)
            let bytes = try JSON.encode(sample)
            let theirs = try Self.foundation(sample)
            try #require(String(decoding: bytes, as: UTF8.self) == String(decoding: theirs, as: UTF8.self))
            let read: Sample = try JSON.decode(from: bytes)
            let readByFoundation = try Self.decodedByFoundation(Sample.self, bytes)
            try #require(read == readByFoundation)
            _ = try JSONSyntax(checking: bytes)
        }
    }

    @Test(arguments: ["\"", "\\", "\u{0}", "\u{1F}", " ", "!", "[", "]", "\u{7F}", "\u{80}", "é", "😀"])
    func `a character in any place of a text of any length is written and read as Foundation does`(character: String) throws {
        for length in 0..<20 {
            for place in 0...length {
                let text = String(repeating: "a", count: place) + character + String(repeating: "b", count: length - place)
                let bytes = try JSON.encode([text])
                try #require(String(decoding: bytes, as: UTF8.self) == String(decoding: try Self.foundation([text]), as: UTF8.self))
                try #require(try JSON.decode([String].self, from: bytes) == [text])
                // Right before the end of the text, and unescaped where it needs an escape.
                let raw = Array("\"\(text)\"".utf8)
                #expect((try? JSON.decode(String.self, from: raw)) == (try? Self.decodedByFoundation(String.self, raw)))
            }
        }
    }

    @Test func `a number of any length is written and read`() throws {
        for number in (0..<19).flatMap({ digits in [-1, 0, 1].map { (0..<digits).reduce(1) { power, _ in power * 10 } + $0 } }) {
            for number in [number, -number] {
                #expect(String(decoding: try JSON.encode(number), as: UTF8.self) == String(number))
                #expect(try JSON.decode(Int.self, from: Array(String(number).utf8)) == number)
                #expect(try JSON.decode([Int].self, from: Array("[\(number)]".utf8)) == [number])
            }
        }
    }

    @Test(arguments: [
        #""\u00e4\ud83d\ude00\"\\\/\b\f\n\r\t\u0000""#, "1.0", "1e3", "-0", "123456789012345678", "1e400", "-9223372036854775808", "9223372036854775808",
        "0.1", "5e-324", "[]", "{}", "[1, [2, {\"a\": [null, true]}]]", #"{"a": 1, "a": 2}"#, #"{"\u0061": 1}"#, "null", " true ", #""\ud800""#, "[1,", "tru", "1 2",
    ])
    func `any text is read as Foundation reads it`(text: String) {
        let ours = try? JSON.decode(JSONValue.self, from: Array(text.utf8))
        let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(ours == theirs)
        let integer = try? JSON.decode(Int.self, from: Array(text.utf8))
        #expect(integer == (try? JSONDecoder().decode(Int.self, from: Data(text.utf8))))
    }

    @Test func `an object of a thousand fields is read by the first of each name`() throws {
        let fields = (0..<1_000).map { "\"f\($0 % 500)\": \($0)" }.joined(separator: ",")
        let numbers: [String: Int] = try JSON.decode(from: Array("{\(fields)}".utf8))
        #expect(numbers == Dictionary(uniqueKeysWithValues: (0..<500).map { ("f\($0)", $0) }))
    }

    @Test func `malformed JSON is reported with its place`() throws {
        let text = #"{"items": [{"sku": "a", "name": "b", "price": {"amount": 1, "currency": "EUR"}}, {"sku": 1}]}"#
        struct List: Decodable {
            struct Item: Decodable { let sku: String }
            let items: [Item]
        }
        let error = #expect(throws: DecodingError.self) { _ = try JSON.decode(List.self, from: Array(text.utf8)) }
        guard case .typeMismatch(_, let context) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["items", "Index 1", "sku"])
    }

    @Test func `values without a JSON form are rejected`() {
        #expect(throws: EncodingError.self) { _ = try JSON.encode([Double.nan]) }
        #expect(throws: EncodingError.self) { _ = try JSON.encode(["a": -Double.infinity]) }
    }

    @Test func `depth is bounded for trusted texts too`() throws {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8) }
        _ = try JSON.decode(JSONValue.self, from: nested(JSONSyntax.maximumDepthOfTrusted))
        #expect(throws: DecodingError.self) { _ = try JSON.decode(JSONValue.self, from: nested(JSONSyntax.maximumDepthOfTrusted + 1)) }
    }
}

@Suite struct `Times in JSON` {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    @Test func `times are written and read as Foundation writes and reads them`() throws {
        var random = SplitMix(seed: 1)
        let edges = [0, -1, 951_782_400, 951_868_800, 1_709_164_800, 4_107_542_399.9994, 253_402_300_799.9994, 253_402_300_800, -0.001, 0.9994]
        // Amid milliseconds, where there is one way to cut them.
        let dates = edges + (0..<2_000).map { _ in Double(Int.random(in: 0..<253_402_300_800_000, using: &random)) / 1_000 + 0.0005 }
        for date in dates.map({ Date(timeIntervalSince1970: $0) }) {
            let text = date.timestamp
            try #require(text == date.formatted(Self.style))
            let read = try? Date(text, strategy: Self.style)
            try #require(Date(timestamp: text) == read)
        }
    }

    @Test func `a time that was read is written unchanged`() throws {
        for millisecond in 0..<1_000 {
            let text = "2026-03-01T12:30:05.\(String(1_000 + millisecond).dropFirst())Z"
            let read = try #require(Date(timestamp: text))
            #expect(read.timestamp == text)
        }
    }

    @Test(arguments: [
        ("2026-03-01T12:30:05Z", 1_772_368_205.0), ("2026-03-01T12:30:05.250Z", 1_772_368_205.25), ("2026-03-01T14:30:05+02:00", 1_772_368_205.0),
    ])
    func `other forms of RFC 3339 are read`(text: String, seconds: Double) {
        #expect(Date(timestamp: text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(arguments: ["", "yesterday", "2026-03-01", "2026-13-01T00:00:00.000Z", "2026-03-01 12:30:05.250Z"])
    func `an invalid time is rejected`(text: String) {
        #expect(Date(timestamp: text) == nil)
        #expect(Date(timestamp: text) == (try? Date(text, strategy: Self.style)))
    }
}

extension `The JSON dialect`.Sample {
    fileprivate static func random(using random: inout SplitMix) -> Self {
        func text() -> String {
            let characters = Array("abcxyzABC012 _-/\"\\\u{0}\u{1}\u{8}\t\n\u{C}\r\u{1F}\u{7F}äé€😀\u{2028}")
            return String((0..<Int.random(in: 0..<20, using: &random)).map { _ in characters[Int.random(in: 0..<characters.count, using: &random)] })
        }
        func byte() -> UInt8 { UInt8.random(in: 0...255, using: &random) }
        func id() -> UUID {
            UUID(uuid: (byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte()))
        }
        func date() -> Date { Date(timeIntervalSince1970: Double.random(in: 0..<4_000_000_000, using: &random)) }
        func value(_ depth: Int) -> JSONValue {
            switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &random) {
            case 0: .null
            case 1: .boolean(Bool.random(using: &random))
            case 2: .integer(Int.random(in: .min ... .max, using: &random))
            case 3: .number(Double.random(in: -1e6...1e6, using: &random))
            case 4: .string(text())
            case 5: .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth + 1) })
            default: .object(Dictionary((0..<Int.random(in: 0..<40, using: &random)).map { _ in (text(), value(depth + 2)) }, uniquingKeysWith: { first, _ in first }))
            }
        }
        return Self(
            zulu: text(), alpha: Int.random(in: .min ... .max, using: &random), id: id(), at: date(),
            kind: Kind.allCases[Int.random(in: 0..<2, using: &random)], flag: Bool.random(using: &random),
            ratio: [0, 1, -2.5, 1e16, 1e-7, 123_456_789, Double.random(in: -1e300...1e300, using: &random)][Int.random(in: 0..<7, using: &random)],
            byte: byte(), maybe: Bool.random(using: &random) ? text() : nil,
            texts: Dictionary((0..<Int.random(in: 0..<10, using: &random)).map { _ in (text(), text()) }, uniquingKeysWith: { first, _ in first }),
            times: (0..<Int.random(in: 0..<3, using: &random)).map { _ in date() }, ids: [id(), nil],
            nested: (0..<Int.random(in: 0..<3, using: &random)).map { _ in Inner(number: Int64.random(in: .min ... .max, using: &random), name: Bool.random(using: &random) ? text() : nil, none: []) },
            any: value(0))
    }
}
