import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

/// Notifications that an administrator has sent again.
@Suite struct ResendTests {
    /// What orders answers; nil for nothing.
    private final class Orders: Sendable {
        let news = Mutex<[OrderUpdate]?>([])
    }

    private let mail = ScriptedTransport()
    private let telephone = Telephone()
    private let orders = Orders()
    private let admin = Caller(id: UUID(), role: .admin, email: "admin@example.com")

    private func start() async throws -> ServiceHarness {
        let sender = try #require(MailAddress("Wharf <shop@example.com>"))
        let twilio = Twilio(transport: telephone, account: "AC1", token: "t", from: "+1", webhook: nil)
        return try await ServiceHarness.notifications(
            mail, others: [SMSChannel(carrier: twilio, sender: sender)],
            ask: { [orders] request, _, _ in
                guard request.operation == MessageName.orderNews, let news = orders.news.withLock({ $0 }) else { throw RequestClient.Unanswered.timedOut }
                return try Reply(json: news)
            })
    }

    /// A parcel's news; each parcel has its own.
    private func parcel(
        _ order: UUID, number: String, id: UUID = UUID(), email: String = "ada@example.com", phone: String? = nil, customer: UUID? = nil
    ) -> OrderUpdate {
        let line = OrderLine(sku: "CUP", name: "Cup", quantity: 1, unitPrice: Money(amount: 899, currency: "EUR"))
        var update = OrderUpdate(orderID: order, number: "W-1", email: email, lines: [line], total: line.lineTotal)
        (update.shipmentID, update.trackingNumber, update.customerID) = (id, number, customer)
        if let phone { update.shippingAddress = Address(name: "Ada", line1: "1", city: "Berlin", postalCode: "10115", country: "DE", phone: phone) }
        return update
    }

    private func press(_ id: UUID, key: UUID = UUID()) throws -> Request {
        try Request("notifications.notifications.resend", parameters: ["id": id.uuidString], caller: admin, id: key)
    }

    private struct List: Decodable { let items: [NotificationView] }

    private func list(_ service: ServiceHarness) async throws -> [NotificationView] {
        try await service.ask(Request("notifications.notifications.list")).decoded(List.self).items
    }

    private func repetition(of id: UUID, on service: ServiceHarness) async throws -> NotificationView? {
        try await list(service).first { $0.repeats == id.uuidString.lowercased() }
    }

    /// Handles the messages that an accepted request causes: one finds the addressee, the other sends.
    @discardableResult
    private func follow(_ pressed: BatchHandler.Result, on service: ServiceHarness) async throws -> BatchHandler.Result {
        _ = try #require(next(after: pressed))
        var result = pressed
        for _ in 1...5 {
            guard let message = next(after: result) else { return result }
            result = await service.send([message])[0]
        }
        return result
    }

    private func next(after result: BatchHandler.Result) -> Request? {
        result.outputs.first { $0.key == MessageName.resendNotification }.map { Request(id: UUID(), operation: MessageName.resendNotification, body: $0.body) }
    }

    private func sentParcel(on service: ServiceHarness) async throws -> (order: UUID, parcel: UUID, second: NotificationView) {
        let (order, second) = (UUID(), UUID())
        let parcels = [parcel(order, number: "first"), parcel(order, number: "second", id: second)]
        orders.news.withLock { $0 = parcels }
        for one in parcels { _ = await service.send([try Request(MessageName.orderShipped, sending: one)]) }
        let shown = try await list(service)
        let id = Delivering.id(of: .orderShipped, order: order, by: "email", repetition: second)
        return (order, second, try #require(shown.first { $0.id == id }))
    }

    @Test func `the news of the same parcel is sent once for each press, and recorded with the administrator`() async throws {
        let service = try await start()
        let (_, _, second) = try await sentParcel(on: service)
        let before = mail.sent.count
        let key = UUID()
        let pressed = await service.send([try press(second.id, key: key)])[0]
        #expect(try pressed.reply.status == 202)
        try await follow(pressed, on: service)
        // The same press again, and its message once more.
        try await follow(await service.send([try press(second.id, key: key)])[0], on: service)
        #expect(mail.sent.count == before + 1)
        #expect(mail.sent.last?.text.contains("second") == true)
        let again = try #require(try await repetition(of: second.id, on: service))
        #expect(again.result == "sent" && again.requestedBy?.hasPrefix("admin@example.com") == true && again.id != second.id)
        // Of the repetition, too.
        try await follow(await service.send([try press(again.id)])[0], on: service)
        #expect(mail.sent.count == before + 2 && mail.sent.last?.text.contains("second") == true)
        #expect(try await list(service).count { $0.repeats == second.id.uuidString.lowercased() } == 2)
    }

    @Test func `it goes to the address that the order has now, and waits while orders does not answer`() async throws {
        let service = try await start()
        let (order, id, second) = try await sentParcel(on: service)
        orders.news.withLock { $0 = nil }
        let pressed = await service.send([try press(second.id)])[0]
        #expect(try await follow(pressed, on: service).failure?.remedy == .retry)
        let moved = parcel(order, number: "second", id: id, email: "ada@new.example.com")
        orders.news.withLock { $0 = [moved] }
        #expect(try await follow(pressed, on: service).failure == nil)
        #expect(mail.sent.last?.recipient.address == "ada@new.example.com")
        #expect(try await repetition(of: second.id, on: service)?.recipient == "ada@new.example.com")
    }

    @Test func `a text message is not sent again to a number that replies STOP before it leaves`() async throws {
        let (service, order) = (try await start(), UUID())
        let news = parcel(order, number: "1", phone: "+49 30 123456")
        orders.news.withLock { $0 = [news] }
        _ = await service.send([try Request(MessageName.orderShipped, sending: news)])
        let text = try #require(try await list(service).first { $0.channel == "sms" })
        let reached = telephone.sent.count
        let pressed = await service.send([try press(text.id)])[0]
        let addressed = await service.send([try #require(next(after: pressed))])[0]
        #expect(telephone.sent.count == reached, "nothing is sent before the addressee's choices are read")
        let stop = Request(id: UUID(), operation: "notifications.webhooks.twilio", body: Array("From=%2B4930123456&Body=STOP".utf8))
        #expect(await service.send([stop])[0].failure == nil)
        #expect(try await follow(addressed, on: service).failure == nil)
        #expect(telephone.sent.count == reached)
        let again = try #require(try await repetition(of: text.id, on: service))
        #expect(again.result == "failed" && again.detail == "the owner of the number has replied STOP")

        // The order has another number by now, and the choice of that number's owner counts.
        _ = await service.send([Request(id: UUID(), operation: "notifications.webhooks.twilio", body: Array("From=%2B4930123456&Body=START".utf8))])
        let second = await service.send([try #require(next(after: await service.send([try press(text.id)])[0]))])[0]
        _ = await service.send([Request(id: UUID(), operation: "notifications.webhooks.twilio", body: Array("From=%2B4930777777&Body=STOP".utf8))])
        let moved = parcel(order, number: "1", id: try #require(news.shipmentID), phone: "+49 30 777777")
        orders.news.withLock { $0 = [moved] }
        _ = try await follow(second, on: service)
        #expect(telephone.sent.count == reached)
    }

    @Test func `a mail is not sent again to a customer who has turned off such mails`() async throws {
        let (service, order, ada) = (try await start(), UUID(), UUID())
        let news = parcel(order, number: "1", customer: ada)
        orders.news.withLock { $0 = [news] }
        _ = await service.send([try Request(MessageName.orderShipped, sending: news)])
        let shown = try #require(try await list(service).first)
        let pressed = await service.send([try press(shown.id)])[0]
        let off = SetPreferences(userID: ada, preferences: ChannelPreferences(email: false, sms: true), revision: 1)
        _ = await service.send([try Request(MessageName.setPreferences, sending: off)])
        let before = mail.sent.count
        #expect(try await follow(pressed, on: service).failure == nil)
        #expect(mail.sent.count == before)
        let again = try #require(try await repetition(of: shown.id, on: service))
        #expect(again.detail == "the customer has turned this news off" && again.unreachable == nil)
    }

    @Test func `news that no longer holds is not sent`() async throws {
        let service = try await start()
        let (_, _, second) = try await sentParcel(on: service)
        let before = mail.sent.count
        orders.news.withLock { $0 = [] }
        let pressed = await service.send([try press(second.id)])[0]
        #expect(try await follow(pressed, on: service).failure == nil)
        let again = try #require(try await repetition(of: second.id, on: service))
        #expect(mail.sent.count == before && again.result == "failed" && again.detail == "this news no longer applies to the order")
        #expect(again.unreachable == nil, "that says nothing about the address")
    }

    @Test func `what cannot be sent again is refused`() async throws {
        let service = try await start()
        let (order, _, second) = try await sentParcel(on: service)
        #expect(try await service.send(press(UUID())).status == 404)
        _ = await service.send([try Request(MessageName.eraseOrdersInNotifications, sending: ErasedOrders(orders: [order]))])
        #expect(try await service.send(press(second.id)).problem?.type.hasSuffix("/customer-erased") == true)
        let waiting = UUID()
        _ = try await service.database.transaction { connection in
            try await connection.execute(
                "INSERT INTO notifications (id, user_id, kind, channel, recipient, created_at) VALUES (\(waiting), \(UUID()), 'passwordReset', 'email', 'a@b.c', now())")
        }
        #expect(try await service.send(press(waiting)).problem?.type.hasSuffix("/not-repeatable") == true)
    }
}
