import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

/// What happens to an order after its checkout.
@Suite struct NewsTests {
    private let transport = ScriptedTransport()

    private func start() async throws -> ServiceHarness {
        try await ServiceHarness.notifications(transport)
    }

    private func event(_ name: String, order: UUID, _ more: String = "") -> Request {
        Request(id: UUID(), operation: name, body: Array(#"{"orderID": "\#(order.uuidString)", "number": "W-7", "email": "ada@example.com"\#(more)}"#.utf8))
    }

    @Test func `an order has one mail of each kind, and one for each shipment, refund and return`() async throws {
        let service = try await start()
        let order = UUID()
        let ids = (0..<2).map { _ in UUID().uuidString }
        var events = NotificationKind.allCases.map { event($0.event, order: order) }
        for member in ["shipmentID", "refundID", "returnID"] {
            for id in ids { events.append(event("order.shipped", order: order, #", "\#(member)": "\#(id)""#)) }
        }
        // Once the order's end is known, the customer is no longer asked to act.
        let first = events.filter { $0.operation == MessageName.orderActionRequired }
        for batch in [first, events, events.map { Request(id: UUID(), operation: $0.operation, body: $0.body) }] {
            #expect(await service.send(batch).allSatisfy { $0.failure == nil })
        }
        // The ids of the three members are two: a mail is about the shipment, or the refund, or the return.
        #expect(transport.sent.count == NotificationKind.allCases.count + ids.count)
        #expect(try await service.count("SELECT count(DISTINCT kind) FROM notifications WHERE result = 'sent'") == NotificationKind.allCases.count)
    }

    @Test func `a parcel's mail shows what is in it and how to follow it, in the customer's language`() async throws {
        let service = try await start()
        let more = """
            , "locale": "de-AT", "lines": [{"sku": "CUP", "name": "Tasse", "quantity": 2}, {"sku": "POT", "quantity": 1}], "carrier": "Österreichische Post",
            "trackingNumber": "AT-1", "trackingUrl": "https://post.example/?n=AT-1", "somethingNew": {"x": [1]}
            """
        #expect(await service.send([event("order.shipped", order: UUID(), more)])[0].failure == nil)
        let mail = try #require(transport.sent.first)
        #expect(mail.subject == "Ein Paket aus Ihrer Bestellung W-7 ist unterwegs")
        for part in ["an Österreichische Post übergeben", "  2 × Tasse\n  1 × POT\n", "Sendungsnummer: AT-1", "Sendung verfolgen:\nhttps://post.example/?n=AT-1\n"] {
            #expect(mail.text.contains(part), "\(part)")
        }
        #expect(mail.html.contains("href=\"https://post.example/?n=AT-1\""))
    }

    @Test func `a refund's mail says how much, and a link that is none of the Web's is left out`() async throws {
        let service = try await start()
        let events = [
            event("order.refunded", order: UUID(), #", "refundID": "\#(UUID().uuidString)", "amount": {"amount": 1990, "currency": "EUR"}"#),
            event("order.shipped", order: UUID(), #", "trackingUrl": "javascript:alert(1)""#),
        ]
        #expect(await service.send(events).allSatisfy { $0.failure == nil })
        #expect(transport.sent.contains { $0.text.contains("We have refunded €19.90 for your order W-7") && $0.text.contains("Refund: €19.90") })
        #expect(!transport.sent.contains { $0.html.contains("javascript") })
    }

    private func asking(_ order: UUID, until end: Date? = nil) -> Request {
        event(MessageName.orderActionRequired, order: order, end.map { #", "expiresAt": "\#($0.ISO8601Format())""# } ?? "")
    }

    @Test func `a customer is asked to act only while that is useful`() async throws {
        let service = try await start()
        let now = service.clock.now()
        let (open, late, over) = (UUID(), UUID(), UUID())
        _ = await service.send([event(MessageName.orderConfirmed, order: over)])
        let requests = [asking(open, until: now.addingTimeInterval(60)), asking(late, until: now.addingTimeInterval(-1)), asking(over, until: now.addingTimeInterval(60))]
        #expect(await service.send(requests).allSatisfy { $0.failure == nil })
        #expect(transport.sent.map(\.subject) == ["Your order W-7 is confirmed", "Please complete the payment for order W-7"])
        #expect(try await service.count("SELECT count(*) FROM notifications") == 2)
    }

    /// The request has waited for a mail server, and the customer has acted meanwhile.
    @Test func `a request to act that has become pointless is not sent, and no longer waits`() async throws {
        let service = try await start()
        let (order, request) = (UUID(), UUID())
        transport.fail("ada@example.com", with: DeliveryError("busy", .unavailable))
        let asking = Request(id: request, operation: MessageName.orderActionRequired, body: asking(order).body)
        #expect(await service.send([asking])[0].failure?.remedy == .retry)
        #expect(try await service.count("SELECT count(*) FROM waiting") == 1)
        transport.fail("ada@example.com", with: nil)
        #expect(await service.send([event(MessageName.orderConfirmed, order: order)])[0].failure == nil)
        #expect(await service.send([asking])[0].failure == nil)
        #expect(transport.sent.map(\.subject) == ["Your order W-7 is confirmed"])
        #expect(try await service.count("SELECT count(*) FROM waiting") == 0)
        #expect(try await service.count("SELECT count(*) FROM notifications WHERE kind = 'actionRequired'") == 0)
    }

    @Test func `an erased customer gets no more messages`() async throws {
        let service = try await start()
        let body = Array(#"{"orderID": "\#(UUID().uuidString)", "number": "W-7", "email": "\#(Erased.email)"}"#.utf8)
        #expect(await service.send([Request(id: UUID(), operation: MessageName.orderShipped, body: body)])[0].failure == nil)
        #expect(transport.sent.isEmpty)
        #expect(try await service.count("SELECT count(*) FROM notifications") == 0)
    }
}
