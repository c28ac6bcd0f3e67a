import FoundationEssentials
import JSON
import Operator
import Terminal
import Testing

@testable import wharf

@Suite struct CheckoutTextTests {
    private static let report = """
        {"orderId":"3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33","number":"W-100042","state":"charging","orderState":"pending","retries":3,"allRetries":3,"isStuck":true,
         "placedAt":"2026-01-15T09:31:38.000Z","deadline":"2026-01-15T09:46:38.000Z","customer":{"name":"Ada","email":"ada@example.com"},
         "payment":{"state":"pending","gateway":"stripe","total":{"amount":11980,"currency":"EUR"},"refunded":{"amount":0,"currency":"EUR"}},
         "timeline":[{"at":"2026-01-15T09:31:38.000Z","state":"placed","detail":"order placed; reserving stock\\u001b[2J","milliseconds":420},
                     {"at":"2026-01-15T09:31:38.420Z","state":"charging","detail":"stock reserved"}],
         "actions":[{"at":"2026-01-15T09:40:00.000Z","actor":"ada in a shell","action":"retried","detail":"charging"}],
         "messages":[{"id":"1","depth":0,"operation":"orders.checkouts.place","service":"orders","handledAt":"2026-01-15T09:31:38.000Z"},
                     {"id":"2","depth":1,"operation":"catalog.stock.reserve","service":"catalog","sentAt":"2026-01-15T09:31:38.000Z","handledAt":"2026-01-15T09:31:39.000Z","milliseconds":1000},
                     {"id":"3","depth":2,"operation":"payments.charge","service":"payments","sentAt":"2026-01-15T09:31:39.000Z"}],
         "unanswered":["payments"]}
        """

    private func text(columns: Int?) throws -> [String] {
        let report: CheckoutReport = try JSON.decode(from: Array(Self.report.utf8))
        return CheckoutText(report, terminal: Terminal(isLive: false, isColoured: false, columns: columns)).text.split(separator: "\n").map(String.init)
    }

    @Test(arguments: [80, 200])
    func `on a terminal the messages are a waterfall that fits it`(columns: Int) throws {
        let lines = try text(columns: columns)
        #expect(lines.allSatisfy { $0.count <= columns })
        let reserve = try #require(lines.first { $0.contains("catalog.stock.reserve") })
        let charge = try #require(lines.first { $0.contains("payments.charge") })
        #expect(reserve.hasPrefix("  catalog") && charge.hasPrefix("    payments"))
        #expect(reserve.contains("1.0 s") && reserve.last == "█" && charge.contains("waits") && charge.last == "·")
        #expect(reserve.count == charge.count, "a message that waits begins where its cause has ended")
        #expect(lines.contains { $0.contains("No answer from payments") })
        #expect(lines.contains { $0.contains("charging, requested 4 times, stuck") })
        #expect(lines.contains { $0.contains("ada in a shell: retried charging") })
        #expect(!lines.joined().unicodeScalars.contains("\u{1B}"))
    }

    @Test func `in a pipe each fact is a line with tabs`() throws {
        let lines = try text(columns: nil)
        #expect(lines.contains("number\tW-100042") && lines.contains("unanswered\tpayments"))
        #expect(lines.count { $0.hasPrefix("message\t") } == 3)
        #expect(lines.contains("message\t1\tcatalog.stock.reserve\tcatalog\t2026-01-15T09:31:38Z\t2026-01-15T09:31:39Z\t1000\t2"))
    }

    @Test func `an order is named by its id or its number`() async throws {
        let requests = CannedReplies { sent in (200, sent.parameters["number"] == "W-1" ? #"{"items":[{"id":"7"}]}"# : #"{"items":[]}"#) }
        #expect(try await requests.orderID("3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33") == "3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33")
        #expect(try await requests.orderID("W-1") == "7")
        await #expect(throws: (any Error).self) { try await requests.orderID("W-2") }
        #expect(requests.sent.map(\.operation) == ["orders.orders.list", "orders.orders.list"])
    }
}
