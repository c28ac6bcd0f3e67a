import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

@Suite struct DeliveryTests {
    let transport = ScriptedTransport()

    private func start() async throws -> ServiceHarness {
        try await ServiceHarness.notifications(transport)
    }

    private func event(_ name: String, order: UUID = UUID(), email: String = "ada@example.com", reason: String? = nil) throws -> Request {
        let line = OrderLine(sku: "CUP", name: "Espresso cup", quantity: 2, unitPrice: Money(amount: 899, currency: "EUR"))
        let settled = OrderSettled(orderID: order, number: "W-1001", email: email, lines: [line], total: line.lineTotal, reason: reason)
        return try Request(name, sending: settled)
    }

    private func results(_ service: ServiceHarness) async throws -> [String: Int] {
        let rows = try await service.database.withConnection { try await $0.query("SELECT result, count(*) AS count FROM notifications GROUP BY result") }
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.decode("result"), try $0.decode("count")) })
    }

    @Test func `a confirmed order is announced to its customer once, however often the event arrives`() async throws {
        let service = try await start()
        let order = UUID()
        let first = try event(MessageName.orderConfirmed, order: order)
        let again = try event(MessageName.orderConfirmed, order: order)
        for batch in [[first], [first], [again, try event(MessageName.orderConfirmed, order: order)]] {
            #expect(await service.send(batch).allSatisfy { $0.failure == nil })
        }
        let mail = try #require(transport.sent.first)
        #expect(transport.sent.count == 1)
        #expect(mail.recipient.address == "ada@example.com")
        #expect(mail.subject == "Your order W-1001 is confirmed")
        #expect(mail.text.contains("2 × Espresso cup: €17.98"))
        #expect(try await results(service) == ["sent": 1])
    }

    @Test func `the mail of a confirmed order shows the shipping address, in text and HTML`() async throws {
        let service = try await start()
        let line = OrderLine(sku: "CUP", name: "Cup", quantity: 1, unitPrice: Money(amount: 899, currency: "EUR"))
        let address = Address(
            name: "Grace <Hopper>", company: "Harbour", line1: "350 Fifth Avenue", city: "New York", region: "NY", postalCode: "10118", country: "US",
            phone: "+1 212 555 0100")
        let settled = OrderSettled(
            orderID: UUID(), number: "W-1", email: "g@example.com", lines: [line], total: line.lineTotal, reason: nil, shippingAddress: address)
        _ = await service.send([try Request(MessageName.orderConfirmed, sending: settled)])
        let mail = try #require(transport.sent.first)
        #expect(mail.text.contains("  Grace <Hopper>\n  Harbour\n  350 Fifth Avenue\n  New York NY 10118\n  US\n"))
        #expect(mail.html.contains("Grace &lt;Hopper&gt;<br>\nHarbour<br>\n350 Fifth Avenue<br>\nNew York NY 10118<br>\nUS"))
    }

    @Test func `the mail of a rejected order states the reason`() async throws {
        let service = try await start()
        _ = await service.send([try event(MessageName.orderRejected, reason: "outOfStock")])
        #expect(transport.sent.first?.text.contains("no longer in stock") == true)
    }

    @Test func `a temporary failure is retried, and its neighbours are sent`() async throws {
        let service = try await start()
        transport.fail("slow@example.com", with: DeliveryError("try again later", .unavailable))
        let events = try ["ada@example.com", "slow@example.com", "grace@example.com"].map { try event(MessageName.orderConfirmed, email: $0) }
        let outcomes = await service.send(events)
        #expect(outcomes.map(\.failure?.remedy) == [nil, .retry, nil])
        #expect(outcomes[1].failure?.cause == "mail-not-sent")
        #expect(try await results(service) == ["sent": 2, "pending": 1])
        transport.fail("slow@example.com", with: nil)
        #expect(await service.send([events[1]])[0].failure == nil)
        #expect(transport.sent.count == 3)
        #expect(try await results(service) == ["sent": 3])
    }

    @Test func `a permanently refused mail is a dead letter with the server's reason, and its replay sends it`() async throws {
        let service = try await start()
        transport.fail("gone@example.com", with: DeliveryError("550 5.1.1 no such user", .refused))
        let request = try event(MessageName.orderConfirmed, email: "gone@example.com")
        let failure = try #require(await service.send([request])[0].failure)
        #expect(failure == Failure("mail-refused", "550 5.1.1 no such user", remedy: .deadLetter))
        let list: List = try await service.ask(Request("notifications.notifications.list")).decoded()
        #expect(list.items.map(\.result) == ["failed"])
        #expect(list.items.first?.detail == "550 5.1.1 no such user")
        #expect(list.items.first?.sentAt == nil)
        transport.fail("gone@example.com", with: nil)
        #expect(await service.send([request])[0].failure == nil)
        #expect(transport.sent.count == 1)
        #expect(try await results(service) == ["sent": 1])
    }

    @Test func `a server that refuses the shop itself is retried, and its reason is shown meanwhile`() async throws {
        let service = try await start()
        transport.fail("ada@example.com", with: DeliveryError("554 relay access denied", .denied))
        let failure = await service.send([try event(MessageName.orderConfirmed)])[0].failure
        #expect(failure == Failure("mail-denied", "554 relay access denied", remedy: .retry))
        let list: List = try await service.ask(Request("notifications.notifications.list")).decoded()
        #expect(list.items.map(\.result) == ["pending"])
        #expect(list.items.first?.detail == "554 relay access denied")
    }

    @Test func `an unreadable message does not block others`() async throws {
        let service = try await start()
        let events = [
            Request(id: UUID(), operation: MessageName.orderConfirmed, body: Array("{".utf8)),
            try event(MessageName.orderConfirmed),
            try event(MessageName.orderConfirmed, email: "ada@example.com\r\nBcc: all@example.com"),
        ]
        let outcomes = await service.send(events)
        #expect(outcomes.map(\.failure?.cause) == ["malformed-message", nil, "malformed-message"])
        #expect(transport.sent.count == 1)
    }

    @Test func `a crash between sending and recording sends the same message again`() async throws {
        let service = try await start()
        let clock = service.clock
        let sender = try #require(MailAddress("shop@example.com"))
        let delivering = Delivering(channels: [EmailChannel(transport: transport, sender: sender)], ledger: SendingLedger(), clock: clock)
        let request = try event(MessageName.orderConfirmed)
        let items = [IncomingMessage(request: request, input: try OrderNews.read(.orderConfirmed)(request))]
        for _ in 0..<2 {
            let plans = try await service.database.transaction { try await delivering.note(items, on: $0) }
            _ = try await delivering.send(Array(zip(items, plans)).map { (item: $0, plan: $1) })
            clock.advance(by: 60)
        }
        #expect(transport.sent.count == 2)
        #expect(transport.sent[0].message == transport.sent[1].message)
    }

    /// Two messages may tell of one event, and go to two workers.
    @Test func `a mail that was sent stays sent when another worker could not send it`() async throws {
        let service = try await start()
        let sender = try #require(MailAddress("shop@example.com"))
        let slow = Delivering(channels: [EmailChannel(transport: transport, sender: sender)], ledger: SendingLedger(), clock: service.clock)
        let order = UUID()
        let request = try event(MessageName.orderConfirmed, order: order)
        let item = IncomingMessage(request: request, input: try OrderNews.read(.orderConfirmed)(request))
        let plan = try #require(try await service.database.transaction { try await slow.note([item], on: $0) }.first)
        #expect(await service.send([try event(MessageName.orderConfirmed, order: order)])[0].failure == nil)
        let failed = [try #require(plan.first).notification.id: Delivering.Sent.failed(DeliveryError("try again later", .unavailable))]
        _ = try await service.database.transaction { try await slow.record([(item: item, plan: plan, result: failed)], on: $0) }
        #expect(try await service.count("SELECT count(*) FROM waiting") == 0)
        #expect(try await results(service) == ["sent": 1])
    }

    @Test func `no more than eight mails are under way at once`() async throws {
        let service = try await start()
        transport.awaitCompany(of: 8)
        let events = try (0..<40).map { try event(MessageName.orderConfirmed, email: "user\($0)@example.com") }
        #expect(await service.send(events).allSatisfy { $0.failure == nil })
        #expect(transport.sent.count == 40)
        #expect(transport.mostRunning == 8)
    }

    @Test func `notifications are listed newest first, page by page and by order`() async throws {
        let service = try await start()
        let orders = (0..<3).map { _ in UUID() }
        for order in orders {
            _ = await service.send([try event(MessageName.orderConfirmed, order: order)])
            service.clock.advance(by: 0.000_001)
        }
        let first: List = try await service.ask(Request("notifications.notifications.list", parameters: ["limit": "2"])).decoded()
        #expect(first.items.map(\.orderId) == [orders[2], orders[1]].map(\.lowerCaseText))
        let cursor = try #require(first.nextCursor)
        let pages = try await service.ask([
            Request("notifications.notifications.list", parameters: ["limit": "2", "cursor": cursor]),
            Request("notifications.notifications.list", parameters: ["order": orders[1].uuidString]),
            Request("notifications.notifications.list", parameters: ["order": "W-1001"]),
        ])
        #expect(try pages[0].decoded(List.self).items.map(\.orderId) == [orders[0].lowerCaseText])
        #expect(try pages[1].decoded(List.self).items.map(\.orderId) == [orders[1].lowerCaseText])
        #expect(pages[2].problem?.errors?.map(\.field) == ["order"])
        let item = try #require(first.items.first)
        #expect(item.kind == "orderConfirmed")
        #expect(item.channel == "email")
        #expect(item.recipient == "ada@example.com")
        #expect(item.result == "sent")
        #expect(item.sentAt != nil)
    }

    private struct List: Decodable {
        let items: [NotificationView]
        let nextCursor: String?
    }
}
