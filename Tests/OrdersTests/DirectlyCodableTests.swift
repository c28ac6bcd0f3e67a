import Contracts
import FoundationEssentials
import Testing

@testable import JSON
@testable import Orders

/// Types that write and read themselves, against the same types through Codable.
@Suite struct DirectlyCodableTests {
    private static var written: [any (DirectlyEncodable & Decodable).Type] {
        [CheckoutView.self, OrderView.self, OrderView.Payment.self, OrderNote.self, Fulfilment.Shipment.self, Return.self, Subject.self, Caller.self]
    }

    private static var read: [any DirectlyCodable.Type] {
        [
            Money.self, Image.self, Address.self, OrderLine.self, PaymentChoice.self, PlaceOrder.self, ReserveStock.self, ChargeOrder.self, SettleReservation.self,
            CheckoutEvent.self, OrderSettled.self, PriceQuery.self, PriceList.self, [OrderLine].self, [OrderView.Entry].self,
        ]
    }

    private static let values = 40
    private static let mutants = 5

    @Test(arguments: written.indices)
    func `a type that writes itself writes what Codable writes`(index: Int) throws {
        try writesTheSame(Self.written[index])
    }

    @Test(arguments: read.indices)
    func `a type that reads itself writes and reads what Codable does`(index: Int) throws {
        try writesTheSame(Self.read[index])
        try readsTheSame(Self.read[index])
    }

    private func writesTheSame<Value: DirectlyEncodable & Decodable>(_ type: Value.Type) throws {
        let source = Arbitrary.Source(seed: 1)
        for _ in 0..<Self.values {
            let value = try Arbitrary.value(type, source)
            let (direct, coded) = (text(try JSON.encode(value)), text(try JSONOutline.bytes(of: value)))
            try #require(direct == coded)
        }
    }

    private func readsTheSame<Value: DirectlyCodable>(_ type: Value.Type) throws {
        let source = Arbitrary.Source(seed: 2)
        for _ in 0..<Self.values {
            let bytes = try JSONOutline.bytes(of: Arbitrary.value(type, source))
            let column = Array(try columnText(JSON.decode(JSONValue.self, from: bytes)).utf8)
            for bytes in [bytes, column] {
                // Read directly: a `JSONDetour` fails the test.
                let value = try Value(reading: JSONPlace(tree: JSONTree(JSONSyntax(reading: bytes)), node: 0))
                let (direct, coded) = (outcome { value }, outcome { try throughCodable(type, bytes) })
                try #require(direct == coded)
                for _ in 0..<Self.mutants {
                    let mutant = mutate(bytes, source)
                    let (direct, coded) = (outcome { try JSON.decode(type, from: mutant) }, outcome { try throughCodable(type, mutant) })
                    try #require(direct == coded, "\(text(mutant))")
                }
            }
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func throughCodable<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
        try JSONReader(JSON.place(bytes).tree).decode(type)
    }

    /// The bytes of the value, or the error.
    private func outcome(_ read: () throws -> some Encodable) -> String {
        do { return try text(JSONOutline.bytes(of: read())) } catch { return "\(error)" }
    }

    /// As PostgreSQL writes `jsonb`: fields by the length of their names, and with spaces.
    private func columnText(_ value: JSONValue) throws -> String {
        switch value {
        case .object(let members):
            let fields = members.sorted { ($0.key.utf8.count, $0.key) < ($1.key.utf8.count, $1.key) }
            return "{" + (try fields.map { "\(text(try JSON.encode($0.key))): \(try columnText($0.value))" }.joined(separator: ", ")) + "}"
        case .array(let elements): return "[" + (try elements.map(columnText).joined(separator: ", ")) + "]"
        default: return text(try JSON.encode(value))
        }
    }

    /// The text with a byte or a piece changed: not JSON any more, or with other fields, types and values.
    private func mutate(_ bytes: [UInt8], _ source: Arbitrary.Source) -> [UInt8] {
        var bytes = bytes
        let place = source.number(below: bytes.count)
        switch source.number(below: 6) {
        case 0: bytes.remove(at: place)
        case 1: bytes[place] = [0x22, 0x2C, 0x5C, 0x7B, 0x7D, 0x5B, 0x31, 0x6E, 0xC3, 0x00][source.number(below: 10)]
        case 2: bytes.removeSubrange(place...)
        case 3: bytes.insert(contentsOf: Array([#""a":1,"#, "null", "1.0", "[]", #"\u0041"#, #""sku":"x","#][source.number(below: 6)].utf8), at: place)
        case 4:
            // A field twice, or under another's name.
            let end = min(bytes.count, place + source.number(below: 40))
            bytes.insert(contentsOf: bytes[place..<end], at: source.number(below: bytes.count))
        default:
            let numbers = bytes.indices.filter { bytes[$0] == 0x3A && $0 + 1 < bytes.count }
            guard !numbers.isEmpty else { break }
            let colon = numbers[source.number(below: numbers.count)]
            bytes.insert(contentsOf: Array(["null,\"a\":", "1e2,\"a\":", "true,\"a\":", "\"x\",\"a\":", "{},\"a\":", "-0.5,\"a\":"][source.number(below: 6)].utf8), at: colon + 1)
        }
        return bytes
    }
}
