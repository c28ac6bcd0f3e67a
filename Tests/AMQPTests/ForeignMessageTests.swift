import Testing

@testable import AMQP

extension BrokerTests {
    /// Messages as other programs may send them.
    @Suite struct ForeignMessageTests {
        @Test func `text that is not UTF-8 arrives repaired or as bytes`() async throws {
            try await withQueue { _, consumer, _, queue in
                let broker = try await TestBroker.shared.value
                let wire = try RawPublisher(port: broker.port)
                var table = Wire.entry("ok", kind: "S", Wire.long([0x61]))
                table += Wire.entry("bad", kind: "S", Wire.long([0x61, 0xFF, 0xFE]))
                table += [2, 0xC3, 0x28] + Array("t".utf8) + [1]
                try wire.publish(to: queue, messageID: [0x6D, 0xFF], headers: table, body: [1])
                let properties = try #require(try await consumer.next(limit: 1).first).properties
                #expect(properties.messageID == "m\u{FFFD}")
                #expect(properties.headers["ok"] == "a")
                #expect(properties.headers["bad"] == .bytes([0x61, 0xFF, 0xFE]))
                #expect(properties.headers["\u{FFFD}("] == true)
            }
        }

        @Test func `numbers of all widths arrive, too large ones clamped`() async throws {
            try await withQueue { _, consumer, _, queue in
                let broker = try await TestBroker.shared.value
                let wire = try RawPublisher(port: broker.port)
                var table = Wire.entry("b", kind: "b", [0xFF])
                table += Wire.entry("B", kind: "B", [0xFF])
                table += Wire.entry("s", kind: "s", [0xFF, 0xFE])
                table += Wire.entry("u", kind: "u", [0xFF, 0xFE])
                table += Wire.entry("I", kind: "I", [0xFF, 0xFF, 0xFF, 0xFD])
                table += Wire.entry("i", kind: "i", [0xFF, 0xFF, 0xFF, 0xFD])
                table += Wire.entry("T", kind: "T", [UInt8](repeating: 0xFF, count: 8))
                table += Wire.entry("f", kind: "f", [0x3F, 0x80, 0, 0])
                table += Wire.entry("D", kind: "D", [2, 0, 0, 1, 0])
                try wire.publish(to: queue, messageID: [], headers: table, body: [])
                let headers = try #require(try await consumer.next(limit: 1).first).properties.headers
                #expect(
                    headers == [
                        "b": -1, "B": 255, "s": -2, "u": 65_534, "I": -3, "i": 4_294_967_293,
                        "T": .timestamp(.max), "f": .double(1), "D": .double(2.56),
                    ])
            }
        }

        @Test func `headers that nest too deep are cut and marked`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                let broker = try await TestBroker.shared.value
                let wire = try RawPublisher(port: broker.port)
                var table: [UInt8] = []
                // The deepest that a frame holds.
                for _ in 0..<18_000 { table = Wire.entry("", kind: "F", Wire.long(table)) }
                try wire.publish(to: queue, messageID: [], headers: table, body: [])
                var value = FieldValue.table(try #require(try await consumer.next(limit: 1).first).properties.headers)
                for _ in 0..<FieldValue.maximumDepth {
                    guard case .table(let inner) = value, let next = inner[""] else { break }
                    value = next
                }
                #expect(value == FieldValue.tooDeep)
                _ = await publisher.publish([message("next", to: queue)])
                #expect(try await consumer.next(limit: 1).map(\.text) == ["next"])
            }
        }
    }
}
