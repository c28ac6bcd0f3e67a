import FoundationEssentials
import JSON
import PostgreSQL
import TestKit
import Testing

extension System {
    @Suite struct `Jobs on dead letters` {
        private static let count = 300

        /// Additions to the stock of a product that a constraint of the database refuses: a bug in one handler. Each that is handled twice would show in the stock.
        private func fill(_ sku: String, _ admin: Visitor) async throws {
            try await SystemDatabase.with("catalog") { connection in
                _ = try await connection.execute("ALTER TABLE stock_movements ADD CONSTRAINT broken CHECK (reason <> 'a job on dead letters') NOT VALID")
            }
            let wharf = admin.wharf
            _ = try await together(Array(0..<Self.count)) { _ in
                try await ForeignMessage(
                    type: "catalog.stock.adjust", body: Array(#"{"delta": 1, "reason": "a job on dead letters"}"#.utf8), headers: ["p.sku": .string(sku)]
                ).put(into: "catalog.commands", of: wharf)
            }
            try await eventually("All are dead letters", within: .seconds(120)) { try await open(admin) == Self.count }
            try await SystemDatabase.with("catalog") { _ = try await $0.execute("ALTER TABLE stock_movements DROP CONSTRAINT broken") }
        }

        private func open(_ admin: Visitor) async throws -> Int {
            let list = try await admin.get("/v1/dead-letters?limit=1&queue=catalog.commands&cause=database-error")
            return list["causes"]?.list.reduce(0) { $0 + ($1["count"]?.number ?? 0) } ?? 0
        }

        @Test func `two replays of the same letters handle each of them once while workers and the broker are killed`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 0)
            let filter = #""filter": {"queue": "catalog.commands", "cause": "database-error"}"#
            // Other tests may have left letters of this cause.
            #expect(try await admin.post("/v1/dead-letters/jobs", #"{"action": "discard", \#(filter)}"#).status == 202)
            try await eventually("They are discarded") { try await open(admin) == 0 }
            try await fill(sku, admin)
            let dry = try await admin.post("/v1/dead-letters/jobs", #"{"action": "replay", \#(filter), "dryRun": true}"#)
            #expect(dry.status == 200 && dry["selected"]?.number == Self.count)
            var urls: [String] = []
            for _ in 0..<2 {
                let started = try await admin.post("/v1/dead-letters/jobs", #"{"action": "replay", \#(filter), "rates": [5]}"#)
                #expect(started.status == 202)
                urls.append(try #require(started.header("location")))
            }
            let (first, second) = (try #require(urls.first), try #require(urls.last))
            func job(_ url: String) async throws -> JSONValue { try await admin.get(url).json }
            try await eventually("Both have begun") { try await (job(first)["sent"]?.number ?? 0) > 5 }
            for name in ["deadletters-1", "rabbitmq", "deadletters-2", "catalog-1"] { try await admin.wharf.killUntilRestarted(name) }
            #expect(try await (job(first)["sent"]?.number ?? 0) < Self.count, "the faults came in the middle")
            try await eventually("Both have ended", within: .seconds(240)) {
                let states = [try await job(first)["state"], try await job(second)["state"]]
                return states == ["finished", "finished"]
            }
            let (one, other) = (try await job(first), try await job(second))
            func sum(_ name: String) -> Int { (one[name]?.number ?? 0) + (other[name]?.number ?? 0) }
            #expect([sum("sent"), sum("handled"), sum("diedAgain"), sum("unknown")] == [Self.count, Self.count, 0, 0], "\(one) \(other)")
            // Whichever job selects second does not select what the other has already sent.
            #expect(max(one["selected"]?.number ?? 0, other["selected"]?.number ?? 0) == Self.count, "\(one) \(other)")
            #expect(sum("selected") == sum("sent") + sum("skipped"), "\(one) \(other)")
            #expect(try await admin.stock(sku) == .init(onHand: Self.count, reserved: 0))
            #expect(try await open(admin) == 0)

            let third = try await admin.post("/v1/dead-letters/jobs", #"{"action": "replay", \#(filter)}"#)
            let url = try #require(third.header("location"))
            try await eventually("The third has ended") { try await job(url)["state"] == "finished" }
            #expect(try await job(url)["selected"]?.number == 0)
            #expect(try await admin.stock(sku).onHand == Self.count)
        }
    }
}
