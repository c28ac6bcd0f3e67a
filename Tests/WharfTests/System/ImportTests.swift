import FoundationEssentials
import LocalServers
import PostgreSQL
import TestKit
import Testing
import WebClient

@testable import JSON

extension System {
    /// Files in and out, over HTTP.
    @Suite struct `Imports and exports` {
        private static let within = Duration.seconds(120)

        private func rows(_ prefix: String, _ count: Int) -> String {
            "sku,name,amount,currency,stock,attribute.number\n" + (0..<count).map { "\(prefix)-\($0),Thing \($0),\(100 + $0),EUR,\($0 % 10),\($0)\n" }.joined()
        }

        private func done(_ answer: Answer, _ admin: Visitor) async throws -> Answer {
            #expect(answer.status == 202)
            let path = try #require(answer.header("location"))
            try await eventually("The import has ended", within: Self.within) { try await admin.get(path)["state"]?.text != "running" }
            return try await admin.get(path)
        }

        @Test func `a file is imported, shows what was not taken, and comes back as it is`() async throws {
            let admin = try Visitor.admin()
            let prefix = "I-\(UUID().uuidString.prefix(8))"
            let file = rows(prefix, 700) + "\(prefix) X,Bad,1,EUR,0,0\n"
            let view = try await done(try await admin.post("/v1/imports?kind=products", file, ["content-type": "text/csv"]), admin)
            #expect(view["state"]?.text == "done")
            #expect(["rows", "accepted", "changed", "rejectedRows"].map { view[$0]?.number } == [701, 700, 700, 1])
            #expect(view["rejected"]?.list.first?["line"]?.number == 702)
            let id = try #require(view["id"]?.text)
            let rejected = try await admin.get("/v1/imports/\(id)/rejected")
            #expect(rejected.header("content-type") == "text/csv; charset=utf-8")
            #expect(String(decoding: rejected.response.body, as: UTF8.self).hasPrefix("line,column,value,reason\r\n702,sku,\(prefix) X,"))
            #expect(try await admin.stock("\(prefix)-7").onHand == 7)

            for (accept, type) in [("text/csv", "text/csv"), ("application/x-ndjson", "application/x-ndjson")] {
                let exported = try await admin.get("/v1/exports/products", ["accept": accept])
                #expect(exported.status == 200)
                let lines = String(decoding: exported.response.body, as: UTF8.self).split(whereSeparator: \.isNewline)
                let own = lines.filter { $0.hasPrefix("\(prefix)-") || $0.contains("\"sku\":\"\(prefix)-") }
                #expect(own.count == 700)
                let again = ([type == "text/csv" ? lines.first : nil].compactMap(\.self) + own).joined(separator: "\n")
                let second = try await done(try await admin.post("/v1/imports?kind=products", again, ["content-type": type]), admin)
                #expect(["rows", "accepted", "changed"].map { second[$0]?.number } == [700, 700, 0])
            }
            #expect(try await Visitor.guest().get("/v1/exports/products").status == 401)
            #expect(try await admin.get("/v1/exports/products", ["accept": "image/png"]).status == 406)
            #expect(try await admin.send("HEAD", "/v1/exports/products", nil).status == 200)
        }

        @Test func `a packed file and a retry under one key are one import, and another file under the key is refused`() async throws {
            let admin = try Visitor.admin()
            let file = Array(rows("G-\(UUID().uuidString.prefix(8))", 20).utf8)
            let headers = ["content-type": "text/csv", "content-encoding": "gzip", "idempotency-key": UUID().uuidString]
            let first = try await admin.send("POST", "/v1/imports?kind=products", bytes: Self.packed(file), headers)
            let view = try await done(first, admin)
            #expect(view["accepted"]?.number == 20)
            #expect(view["bytes"]?.number == file.count)
            let second = try await admin.send("POST", "/v1/imports?kind=products", bytes: Self.packed(file), headers)
            #expect(second.header("location") == first.header("location"))
            #expect(second.header("idempotent-replayed") == "true")
            #expect(try await admin.send("POST", "/v1/imports?kind=products", bytes: Self.packed(file + [10]), headers).status == 422)
            #expect(try await admin.send("POST", "/v1/imports?kind=products", bytes: [], ["content-type": "text/csv"]).fields == ["body"])
            #expect(try await admin.post("/v1/imports?kind=nothing", "sku\n", ["content-type": "text/csv"]).fields == ["kind"])
        }

        @Test func `the command starts an import and follows it, and listeners get events until its end`() async throws {
            let admin = try Visitor.admin()
            let prefix = "W-\(UUID().uuidString.prefix(8))"
            let path = "\(FileManager.default.temporaryDirectory.path)/\(prefix).csv"
            try Data((rows(prefix, 30) + "\(prefix) X,Bad,1,EUR,0,0\n").utf8).write(to: URL(filePath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            let started = try await admin.wharf.run(["imports", "start", path])
            #expect(started.exit == .exited(0), "\(started.output)")
            #expect(started.output.contains("done: 30 rows accepted, 30 changed, 1 rejected"))
            let id = try #require(started.output.split(separator: "\n").first.map { String($0) })
            let watched = try await admin.wharf.run(["imports", "watch", id])
            #expect(watched.exit == .exited(0) && watched.output.contains("done: 30"))
            #expect(try await admin.wharf.run(["imports", "rejected", id]).output.contains("\(prefix) X"))
            #expect(try await admin.wharf.run(["imports"]).output.contains(id))
            #expect(try await admin.wharf.run(["imports", "watch", UUID().uuidString]).exit == .exited(1))
            #expect(try await admin.wharf.run(["imports", "start", path, "--kind", "nothing"]).exit == .exited(1))

            let events = try await admin.get("/v1/imports/\(id)/events")
            #expect(events.header("content-type") == "text/event-stream; charset=utf-8")
            #expect(String(decoding: events.response.body, as: UTF8.self).contains("\"state\":\"done\""))
            #expect(try await Visitor.guest().get("/v1/imports/\(id)/events").status == 401)
        }

        @Test func `an import goes on where it was while every catalog worker is killed`() async throws {
            let admin = try Visitor.admin()
            let prefix = "K-\(UUID().uuidString.prefix(8))"
            let started = try await admin.post("/v1/imports?kind=products", rows(prefix, 9_000), ["content-type": "text/csv"])
            for name in ["catalog-1", "catalog-2"] { try await admin.wharf.killUntilRestarted(name) }
            let view = try await done(started, admin)
            #expect(["rows", "accepted", "changed", "rejectedRows"].map { view[$0]?.number } == [9_000, 9_000, 9_000, 0])
            let count = try await SystemDatabase.with("catalog") { connection in
                try await connection.query("SELECT sku FROM products WHERE starts_with(sku, \(prefix))").count
            }
            #expect(count == 9_000)
        }

        /// As gzip stores what it cannot pack (RFC 1951, 3.2.4).
        private static func packed(_ bytes: [UInt8]) -> [UInt8] {
            func little(_ value: UInt32, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
            var sum: UInt32 = 0xFFFF_FFFF
            for byte in bytes {
                sum ^= UInt32(byte)
                for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
            }
            let length = UInt32(bytes.count)
            return [31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(length, 2) + little(~length, 2) + bytes + little(~sum, 4) + little(length, 4)
        }
    }
}
