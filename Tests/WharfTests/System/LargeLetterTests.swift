import AMQP
import FoundationEssentials
import JSON
import PostgreSQL
import Processes
import Secrets
import TestKit
import Testing
import WebClient

extension System {
    /// Dead letters whose bodies do not fit into one message with the rest of the letter.
    @Suite struct `Large dead letters` {
        private static let binary = (0..<13 << 20).map { UInt8(truncatingIfNeeded: $0 &* 20_737_779) }
        /// 15.9 MiB of characters that parts would divide, and of characters that JSON escapes.
        private static let text = Array(Array(repeating: Array("\"ä€\n😀".utf8), count: 16_672_358 / 11).joined())
        private static let bodies = [binary, text]
        /// The number of parts of both bodies.
        private static let parts = 13 + 16

        /// Creates a dead letter from each body, all for the same new operation.
        private func collected(_ admin: Visitor) async throws -> (operation: String, ids: [String]) {
            let operation = "no.such.\(UUID().uuidString)"
            for body in Self.bodies {
                let properties = Properties(messageID: UUID().uuidString, type: operation, persistent: true, headers: ["p.sku": "A"])
                try await admin.wharf.publish([Publication(exchange: "", routingKey: "notifications.commands", properties: properties, body: body)])
            }
            var ids: [String] = []
            try await eventually("The dead letters", within: .seconds(60)) {
                ids = try await letters(operation, admin).compactMap { $0["id"]?.text }
                return ids.count == 2
            }
            return (operation, ids)
        }

        private func letters(_ operation: String, _ admin: Visitor) async throws -> [JSONValue] {
            try await admin.get("/v1/dead-letters?operation=\(operation)")["items"]?.list ?? []
        }

        /// How many letters have one of the bodies, complete, and have died this many times.
        private func whole(_ operation: String, seen: Int = 1) async throws -> Int {
            try await SystemDatabase.with("deadletters") { connection in
                try await connection.query(
                    """
                    SELECT id FROM letters WHERE operation = \(operation) AND seen = \(seen) AND state = 'open' AND body_bytes = length(body)
                    AND (body = \(Self.binary) OR body = \(Self.text))
                    """
                ).count
            }
        }

        private func delete(_ operation: String) async throws {
            try await SystemDatabase.with("deadletters") { _ = try await $0.execute("DELETE FROM letters WHERE operation = \(operation)") }
        }

        /// The lines of an export without the audit log, which records the import.
        private func exported(_ operation: String, to file: String, _ wharf: RunningWharf) async throws -> [[UInt8]] {
            let (output, status) = try await wharf.run(["dead-letters", "export", "--operation", operation])
            #expect(status == .exited(0) && output.hasSuffix("2 letters exported\n"), "\(output.suffix(500))")
            let lines = output.utf8.split(separator: UInt8(ascii: "\n")).filter { $0.first == UInt8(ascii: "{") }.map { Array($0) }
            try Data(lines.joined(separator: [UInt8(ascii: "\n")])).write(to: URL(filePath: file))
            return try lines.map { line in
                let (audit, body) = (try #require(line.firstRange(of: Array(#""audit":"#.utf8))), try #require(line.firstRange(of: Array(#","body":"#.utf8))))
                return Array(line[..<audit.lowerBound] + line[body.lowerBound...])
            }
        }

        @Test func `a large letter is shown, exported, imported and replayed by the commands without loss`() async throws {
            let admin = try Visitor.admin()
            let (operation, ids) = try await collected(admin)
            for id in ids {
                let (shown, status) = try await admin.wharf.run(["dead-letters", "show", id])
                #expect(status == .exited(0) && shown.contains(" bytes") && shown.contains("the first 10"), "\(shown.suffix(500))")
                let (edited, failed) = try await admin.wharf.run(["dead-letters", "edit", id, "--set", "a=1", "--yes"])
                #expect(failed == .exited(1) && (edited.contains("The body is not text.") || edited.contains("neither edited nor compared")), "\(edited.suffix(500))")
            }
            let file = "\(FileManager.default.temporaryDirectory.path)/\(UUID().uuidString).ndjson"
            defer { try? FileManager.default.removeItem(atPath: file) }
            let first = try await exported(operation, to: file, admin.wharf)
            #expect(first.count == Self.parts)
            try await delete(operation)
            for outcome in ["2 letters imported, 0 existed, 0 refused", "0 letters imported, 2 existed, 0 refused"] {
                let (output, status) = try await admin.wharf.run(["dead-letters", "import", file])
                #expect(status == .exited(0) && output.contains(outcome), "\(output.suffix(500))")
            }
            #expect(try await whole(operation) == 2)
            let second = try await exported(operation, to: file, admin.wharf)
            #expect(second == first)

            let (replayed, status) = try await admin.wharf.run(["dead-letters", "replay"] + ids)
            #expect(status == .exited(0), "\(replayed)")
            try await eventually("Their return", within: .seconds(60)) { try await letters(operation, admin).count { $0["state"] == "open" && $0["seen"] == 2 } == 2 }
            #expect(try await whole(operation, seen: 2) == 2)
            #expect(try await admin.wharf.run(["dead-letters", "discard"] + ids).exit == .exited(0))
        }

        @Test func `a large letter is read, imported and replayed over HTTP without loss`() async throws {
            let admin = try Visitor.admin()
            let (operation, ids) = try await collected(admin)
            var parts: [[[UInt8]]] = []
            for id in ids {
                var (letter, body, next): ([[UInt8]], [UInt8], Int?) = ([], [], 0)
                while let offset = next {
                    let part = try await admin.get("/v1/dead-letters/\(id)" + (offset > 0 ? "?bodyOffset=\(offset)" : ""))
                    #expect(part.status == 200)
                    let text = part["body"]?.text ?? ""
                    body += part["bodyEncoding"] == "text" ? Array(text.utf8) : Base64.decode(text) ?? []
                    letter.append(part.response.body)
                    next = part["nextBodyOffset"]?.number
                }
                #expect(Self.bodies.contains(body))
                parts.append(letter)
            }
            try await delete(operation)
            for letter in parts {
                for (place, part) in letter.enumerated() {
                    #expect(try await admin.send("POST", "/v1/dead-letters", bytes: part).status == (place == 0 ? 201 : 200))
                }
            }
            #expect(try await whole(operation) == 2)
            for id in ids { #expect(try await admin.post("/v1/dead-letters/\(id)/replay").status == 202) }
            try await eventually("Their return", within: .seconds(60)) { try await letters(operation, admin).count { $0["state"] == "open" && $0["seen"] == 2 } == 2 }
            #expect(try await whole(operation, seen: 2) == 2)
            for id in ids { #expect(try await admin.delete("/v1/dead-letters/\(id)").status == 204) }
        }
    }
}
