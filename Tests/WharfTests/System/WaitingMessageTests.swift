import FoundationEssentials
import JSON
import LocalServers
import LocalState
import PostgreSQL
import TestKit
import Testing

@testable import Bench

extension System {
    @Suite struct `Waiting messages` {
        private static let count = 60

        private func waiting(_ admin: Visitor, _ query: String) async throws -> (items: [JSONValue], count: Int) {
            let list = try await admin.get("/v1/dead-letters/waiting?limit=100&\(query)")
            return (list["items"]?.list ?? [], list["causes"]?.list.reduce(0) { $0 + ($1["count"]?.number ?? 0) } ?? 0)
        }

        /// Additions to the stock: each that is handled twice shows there. A trigger fails in a way that may pass, until it is dropped.
        @Test func `messages sent now while the ladder returns them take effect once`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 0)
            let reason = "waiting \(UUID().uuidString)"
            try await SystemDatabase.with("catalog") { connection in
                _ = try await connection.execute(
                    """
                    CREATE FUNCTION fail_for_now() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        IF NEW.reason LIKE 'waiting %' THEN RAISE EXCEPTION 'not for now' USING ERRCODE = '55000'; END IF;
                        RETURN NEW;
                    END
                    $$
                    """)
                _ = try await connection.execute("CREATE TRIGGER fails_for_now BEFORE INSERT ON stock_movements FOR EACH ROW EXECUTE FUNCTION fail_for_now()")
            }
            let wharf = admin.wharf
            _ = try await together(Array(0..<Self.count)) { _ in
                try await ForeignMessage(type: "catalog.stock.adjust", body: Array(#"{"delta": 1, "reason": "\#(reason)"}"#.utf8), headers: ["p.sku": .string(sku)])
                    .put(into: "catalog.commands", of: wharf)
            }
            try await eventually("All wait", within: .seconds(60)) { try await waiting(admin, "operation=catalog.stock.adjust").count >= Self.count }
            let shown = try #require(try await waiting(admin, "operation=catalog.stock.adjust").items.first)
            #expect(shown["service"] == "catalog" && shown["queue"] == "catalog.commands" && shown["isSendable"] == true)
            #expect(shown["detail"]?.text?.contains("not for now") == true)
            try await SystemDatabase.with("catalog") { connection in
                _ = try await connection.execute("DROP TRIGGER fails_for_now ON stock_movements")
                _ = try await connection.execute("DROP FUNCTION fail_for_now()")
            }
            // Repeated until the last one has returned, so that copies meet originals that return.
            var sent = 0
            try await eventually("All are handled", within: .seconds(120)) {
                let reply = try await admin.post("/v1/dead-letters/waiting/attempts", #"{"filter": {"operation": "catalog.stock.adjust"}}"#)
                #expect(reply.status == 202)
                sent += reply["selected"]?.number ?? 0
                let isOver = try await waiting(admin, "operation=catalog.stock.adjust").count == 0
                let stock = try await admin.stock(sku)
                return isOver && (stock.onHand ?? 0) >= Self.count
            }
            #expect(sent > 0)
            try await eventually("Copies and originals are settled", within: .seconds(60)) {
                try await admin.wharf.waiting { $0 == "catalog.commands" || $0.hasPrefix("retry.") } == 0
            }
            #expect(try await admin.stock(sku) == .init(onHand: Self.count, reserved: 0))
            #expect(try await admin.get("/v1/dead-letters?operation=catalog.stock.adjust&text=\(reason.dropFirst(8))")["items"]?.list.isEmpty == true)
        }

        /// The mail server is stopped until the ladder holds mails for minutes, and started again.
        @Test(.timeLimit(.minutes(8))) func `after an outage mails are sent now, and each arrives once`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct()
            let wharf = admin.wharf
            let (folder, away) = ("\(wharf.folder.path)/mail/tmp", "\(wharf.folder.path)/mail/tmp.away")
            try FileManager.default.moveItem(atPath: folder, toPath: away)
            var orders: [(id: String, number: String)] = []
            func waitingMails() async throws -> [JSONValue] {
                var items: [JSONValue] = []
                for order in orders { items += try await waiting(admin, "order=\(order.id)&operation=order.confirmed").items }
                return items
            }
            do {
                let guest = try Visitor.guest()
                for _ in 0..<5 {
                    let order = try await guest.checkout(try await guest.newCart(sku))
                    orders.append((try #require(order["order", "id"]?.text), try #require(order["order", "number"]?.text)))
                }
                try await eventually("All wait for minutes", within: .seconds(150)) {
                    let items = try await waitingMails()
                    return items.count == orders.count && items.allSatisfy { ($0["attempt"]?.number ?? 0) >= 4 }
                }
            } catch {
                try FileManager.default.moveItem(atPath: away, toPath: folder)
                throw error
            }
            try FileManager.default.moveItem(atPath: away, toPath: folder)
            let (output, status) = try await wharf.run(["dead-letters", "waiting", "--service", "notifications", "--now", "--yes"])
            #expect(status == .exited(0) && output.contains("are sent now"), "\(output)")
            func arrived() throws -> [Int] {
                let texts = try mails(in: wharf)
                return orders.map { order in texts.count { $0.contains("Your order \(order.number) is confirmed") } }
            }
            try await eventually("They arrive at once", within: .seconds(30)) { try arrived() == orders.map { _ in 1 } }
            try await eventually("The originals have returned", within: .seconds(200)) { try await waitingMails().isEmpty }
            try await eventually("They are settled", within: .seconds(60)) { try await wharf.waiting { $0 == "notifications.commands" } == 0 }
            #expect(try arrived() == orders.map { _ in 1 })
        }
    }
}
