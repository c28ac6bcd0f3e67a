import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing
import WebClient

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

/// What happens to notifications after they were sent, and which of them customers want.
@Suite struct ReceiptTests {
    private let mail = ScriptedTransport()
    private let telephone = Telephone()

    private func start() async throws -> ServiceHarness {
        let sender = try #require(MailAddress("Wharf <shop@example.com>"))
        let twilio = Twilio(transport: telephone, account: "AC1", token: "t", from: "+1", webhook: "https://shop.example/v1/webhooks/twilio")
        return try await ServiceHarness.notifications(mail, others: [SMSChannel(carrier: twilio, sender: sender)])
    }

    private func news(_ name: String = MessageName.orderShipped, order: UUID = UUID(), customer: UUID? = nil, email: String = "ada@example.com") throws -> Request {
        let line = OrderLine(sku: "CUP", name: "Cup", quantity: 1, unitPrice: Money(amount: 899, currency: "EUR"))
        var update = OrderUpdate(orderID: order, number: "W-1", email: email, lines: [line], total: line.lineTotal)
        update.shippingAddress = Address(name: "Ada", line1: "1", city: "Berlin", postalCode: "10115", country: "DE", phone: "+49 30 123456")
        update.customerID = customer
        return try Request(name, sending: update)
    }

    private func report(_ id: UUID?, _ body: String) -> Request {
        Request(id: UUID(), operation: "notifications.webhooks.twilio", parameters: id.map { ["notification": $0.uuidString.lowercased()] } ?? [:], body: Array(body.utf8))
    }

    private struct List: Decodable { let items: [NotificationView] }

    private func list(_ service: ServiceHarness, _ parameters: [String: String] = [:]) async throws -> [NotificationView] {
        try await service.ask(Request("notifications.notifications.list", parameters: parameters)).decoded(List.self).items
    }

    @Test func `only the final state that Twilio reports for a text message is shown with it`() async throws {
        let service = try await start()
        _ = await service.send([try news()])
        let sms = try #require(try await list(service, ["channel": "sms"]).first)
        let posted = String(decoding: try #require(telephone.sent.first).body, as: UTF8.self)
        #expect(posted.contains("StatusCallback=https%3A%2F%2Fshop.example%2Fv1%2Fwebhooks%2Ftwilio%3Fnotification%3D\(sms.id.uuidString.lowercased())"))
        let reports = [
            report(sms.id, "MessageStatus=sent"), report(sms.id, "MessageStatus=undelivered&ErrorCode=30005"), report(UUID(), "MessageStatus=failed"),
            report(nil, "MessageStatus=failed"), report(sms.id, "nonsense"), report(sms.id, ""),
        ]
        #expect(await service.send(reports).allSatisfy { $0.failure == nil })
        let failed = try #require(try await list(service, ["channel": "sms"]).first)
        let detail = "Twilio: undelivered 30005 (the number is unknown)"
        #expect(failed.result == "sent" && failed.delivery?.state == "undelivered" && failed.delivery?.detail == detail)
        #expect(failed.unreachable?.cause == "undelivered" && failed.unreachable?.detail == detail)
        // Reports may arrive in any order; a message that was delivered stays delivered.
        for _ in 0..<2 { _ = await service.send([report(sms.id, "MessageStatus=delivered"), report(sms.id, "MessageStatus=failed&ErrorCode=30003")]) }
        let arrived = try #require(try await list(service, ["channel": "sms"]).first)
        #expect(arrived.delivery?.state == "delivered" && arrived.delivery?.detail == nil && arrived.unreachable == nil)
    }

    @Test(
        arguments: [
            ("delivered", Delivery.delivered), ("read", .delivered), ("undelivered", .undelivered), ("failed", .undelivered), ("accepted", nil), ("queued", nil), ("sending", nil),
            ("sent", nil), ("scheduled", nil), ("canceled", nil), ("receiving", nil), ("received", nil), ("", nil), ("a state of tomorrow", nil),
        ] as [(String, Delivery?)])
    func `only the final ones of Twilio's states count`(status: String, delivery: Delivery?) {
        #expect(DeliveryReport.delivery(status) == delivery)
    }

    @Test func `a number that replied STOP gets no more text messages until START`() async throws {
        let service = try await start()
        let inbound = ["Body=STOP", "Body=%20stop%20", "Body=Halt&OptOutType=STOP"]
        for stop in inbound {
            #expect(await service.send([report(nil, "SmsStatus=received&From=%2B4930123456&\(stop)")])[0].failure == nil)
            let order = UUID()
            _ = await service.send([try news(order: order)])
            #expect(try await list(service, ["order": order.uuidString]).map(\.channel) == ["email"], "\(stop)")
            let reached = telephone.sent.count
            _ = await service.send([report(nil, "From=%2B4930123456&Body=thanks"), report(nil, "From=%2B4930654321&Body=START"), report(nil, "Body=STOP")])
            _ = await service.send([try news()])
            #expect(telephone.sent.count == reached)
            _ = await service.send([report(nil, "From=%2B4930123456&Body=Start")])
            _ = await service.send([try news()])
            #expect(telephone.sent.count == reached + 1)
        }
    }

    @Test func `a waiting notification that is turned off meanwhile is dropped, and no longer shown as waiting`() async throws {
        let (service, ada, order) = (try await start(), UUID(), UUID())
        mail.fail("ada@example.com", with: DeliveryError("busy", .unavailable))
        telephone.answer(503)
        #expect(await service.send([try news(order: order, customer: ada)])[0].failure?.remedy == .retry)
        #expect(try await list(service, ["order": order.uuidString]).map(\.result) == ["pending", "pending"])
        _ = await service.send([report(nil, "From=%2B4930123456&Body=STOP")])
        let off = SetPreferences(userID: ada, preferences: ChannelPreferences(email: false, sms: true), revision: 1)
        _ = await service.send([try Request(MessageName.setPreferences, sending: off)])
        mail.fail("ada@example.com", with: nil)
        telephone.answer(201)
        let reached = telephone.sent.count
        #expect(await service.send([try news(order: order, customer: ada)])[0].failure == nil)
        #expect(mail.sent.isEmpty && telephone.sent.count == reached)
        #expect(try await list(service, ["order": order.uuidString]).isEmpty)
        #expect(try await service.count("SELECT count(*) FROM waiting") == 0)
    }

    @Test func `a number that was opted out stays so, whatever is reported about earlier messages`() async throws {
        let service = try await start()
        _ = await service.send([try news()])
        let sms = try #require(try await list(service, ["channel": "sms"]).first)
        _ = await service.send([report(nil, "From=%2B4930123456&Body=STOP")])
        for state in ["MessageStatus=failed&ErrorCode=30003", "MessageStatus=delivered"] { _ = await service.send([report(sms.id, state)]) }
        #expect(try await list(service, ["channel": "sms"]).first?.unreachable?.cause == "optedOut")
    }

    private func events(_ json: String) -> Request {
        Request(id: UUID(), operation: "notifications.webhooks.sendgrid", body: Array(json.utf8))
    }

    @Test func `what SendGrid reports about mails is shown with them, even about many at once`() async throws {
        let service = try await start()
        _ = await service.send([try news(MessageName.orderConfirmed), try news(MessageName.orderConfirmed, email: "eve@example.com")])
        let (ada, eve) = (try #require(try await list(service, ["recipient": "ada@example.com"]).first), try #require(try await list(service, ["recipient": "eve@example.com"]).first))
        let (first, second) = (ada.id.uuidString.lowercased(), eve.id.uuidString)
        let json = """
            [{"event": "processed", "notification": "\(first)"}, {"event": "delivered", "notification": "\(first)"}, {"event": "open", "notification": "\(second)"},
             {"event": "bounce", "type": "bounce", "notification": "\(second)", "reason": "550 no such user", "status": "5.1.1"}, {"event": "dropped"}, {"event": 7},
             {"event": "bounce", "notification": 8}, "nonsense", {"event": "bounce", "notification": "x"}]
            """
        for body in [json, json, "{", "7", "[]"] { #expect(await service.send([events(body)])[0].failure == nil) }
        let shown = try await list(service)
        #expect(shown.first { $0.id == ada.id }?.delivery?.state == "delivered")
        let bounced = try #require(shown.first { $0.id == eve.id })
        #expect(bounced.delivery?.state == "undelivered" && bounced.delivery?.detail == "SendGrid: bounce: 550 no such user")
        #expect(bounced.unreachable?.cause == "undelivered")
    }

    @Test func `a bounce that comes after an erasure brings no address back`() async throws {
        let (service, order) = (try await start(), UUID())
        _ = await service.send([try news(MessageName.orderConfirmed, order: order)])
        let mail = try #require(try await list(service).first)
        _ = await service.send([try Request(MessageName.eraseOrdersInNotifications, sending: ErasedOrders(orders: [order]))])
        let bounce = #"[{"event": "bounce", "notification": "\#(mail.id.uuidString)", "reason": "550 <ada@example.com> is unknown"}]"#
        #expect(await service.send([events(bounce)])[0].failure == nil)
        #expect(try await list(service).allSatisfy { $0.delivery == nil })
        #expect(try await service.count("SELECT count(*) FROM unreachable") == 0)
    }

    @Test func `a reason with NUL characters is kept without them`() throws {
        let body = #"[{"event": "bounce", "notification": "\#(UUID().uuidString)", "reason": "550\u0000 no"}]"#
        #expect(try SendGridEvents.read(events(body)).map(\.detail) == ["SendGrid: bounce: 550 no"])
    }

    @Test(
        arguments: [
            ("delivered", Delivery.delivered), ("bounce", .undelivered), ("dropped", .undelivered), ("processed", nil), ("deferred", nil), ("open", nil), ("click", nil),
            ("spamreport", nil), ("unsubscribe", nil), ("", nil), ("an event of tomorrow", nil),
        ] as [(String, Delivery?)])
    func `only the final ones of SendGrid's events count`(event: String, delivery: Delivery?) {
        #expect(SendGridEvents.delivery(event) == delivery)
    }

    @Test func `an address that refuses mail is recorded and shown until it accepts one, and erased with its owner`() async throws {
        let service = try await start()
        let (first, second, third) = (UUID(), UUID(), UUID())
        mail.fail("ada@example.com", with: DeliveryError("550 5.1.1 no such user", .refused))
        _ = await service.send([try news(MessageName.orderConfirmed, order: first)])
        mail.fail("ada@example.com", with: DeliveryError("busy", .unavailable))
        _ = await service.send([try news(MessageName.orderConfirmed, order: second)])
        let shown = try await list(service, ["recipient": "ada@example.com"])
        #expect(shown.map(\.unreachable?.detail) == ["550 5.1.1 no such user", "550 5.1.1 no such user"])
        mail.fail("ada@example.com", with: nil)
        _ = await service.send([try news(MessageName.orderConfirmed, order: second)])
        #expect(try await list(service).allSatisfy { $0.unreachable == nil })
        mail.fail("ada@example.com", with: DeliveryError("gone", .refused))
        _ = await service.send([try news(MessageName.orderConfirmed, order: third)])
        #expect(try await service.count("SELECT count(*) FROM unreachable") == 1)
        _ = await service.send([try Request(MessageName.eraseOrdersInNotifications, sending: ErasedOrders(orders: [third]))])
        #expect(try await service.count("SELECT count(*) FROM unreachable") == 0)
    }

    @Test func `customers get optional messages by the channels that they want, and all others always by mail`() async throws {
        let service = try await start()
        let ada = UUID()
        func prefer(_ email: Bool, _ sms: Bool, revision: Int) async throws {
            let message = SetPreferences(userID: ada, preferences: ChannelPreferences(email: email, sms: sms), revision: revision)
            #expect(await service.send([try Request(MessageName.setPreferences, sending: message)])[0].failure == nil)
        }
        func channels(_ name: String, _ customer: UUID?) async throws -> Set<String> {
            let order = UUID()
            #expect(await service.send([try news(name, order: order, customer: customer)])[0].failure == nil)
            return Set(try await list(service, ["order": order.uuidString]).map(\.channel))
        }
        #expect(try await channels(MessageName.orderShipped, ada) == ["email", "sms"])
        try await prefer(false, true, revision: 1)
        #expect(try await channels(MessageName.orderShipped, ada) == ["sms"])
        #expect(try await channels(MessageName.orderShipped, nil) == ["email", "sms"])
        try await prefer(false, false, revision: 3)
        try await prefer(true, true, revision: 2)
        #expect(try await channels(MessageName.orderShipped, ada).isEmpty, "an older choice does not replace a newer one")
        #expect(try await channels(MessageName.orderConfirmed, ada) == ["email"])
        #expect(try await channels(MessageName.orderActionRequired, ada) == ["email"])
        _ = await service.send([try Request(MessageName.eraseInNotifications, sending: Customer(userID: ada))])
        try await prefer(false, false, revision: 4)
        #expect(try await service.count("SELECT count(*) FROM preferences WHERE NOT (email AND sms)") == 0, "the erasure has overtaken this choice")
    }

    @Test(arguments: NotificationKind.allCases) func `every kind is either optional or also sent to a customer who wants nothing`(kind: NotificationKind) {
        let nothing = ChannelPreferences(email: false, sms: false)
        #expect(!nothing.allow(kind, by: "sms") && nothing.allow(kind, by: "pigeon"))
        #expect(nothing.allow(kind, by: "email") == ![.orderShipped, .orderDelivered, .returnRequested].contains(kind))
        for email in [true, false] {
            for sms in [true, false] {
                let preferences = ChannelPreferences(email: email, sms: sms)
                #expect(preferences.allow(kind, by: "sms") == sms && preferences.allow(kind, by: "email") == (email || kind.isMandatory))
            }
        }
    }

    @Test func `the list is filtered by all filters that are given`() async throws {
        let service = try await start()
        mail.fail("eve@example.com", with: DeliveryError("no", .refused))
        _ = await service.send([try news(), try news(MessageName.orderConfirmed, email: "eve@example.com")])
        let begin = service.clock.now().ISO8601Format()
        service.clock.advance(by: 60)
        _ = await service.send([try news(MessageName.orderConfirmed, email: "bob@example.com")])
        let later = service.clock.now().ISO8601Format()
        func count(_ parameters: [String: String]) async throws -> Int { try await list(service, parameters).count }
        #expect(try await count([:]) == 4)
        #expect(try await count(["kind": "orderConfirmed"]) == 2)
        #expect(try await count(["kind": "orderConfirmed", "result": "failed"]) == 1)
        #expect(try await count(["recipient": "+4930123456"]) == 1)
        #expect(try await count(["recipient": "bob@example.com", "channel": "sms"]) == 0)
        #expect(try await count(["since": later]) == 1)
        #expect(try await count(["since": begin, "until": later]) == 3)
        for (name, value) in [("kind", "order.confirmed"), ("result", "lost"), ("since", "yesterday")] {
            let reply = try await service.ask(Request("notifications.notifications.list", parameters: [name: value]))
            #expect(reply.status == 422 && reply.problem?.errors?.map(\.field) == [name], "\(name)")
        }
    }
}
