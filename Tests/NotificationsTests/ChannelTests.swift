import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Notifications
@testable import ServiceKit

/// A channel of a test's own: to the customer's window, for confirmed orders.
private final class Pigeons: NotificationChannel {
    let name = "pigeon"
    let noun = "pigeon"
    private let state = Mutex<(sent: [String], error: DeliveryError?)>(([], nil))

    var sent: [String] { state.withLock { $0.sent } }
    func fail(with error: DeliveryError?) { state.withLock { $0.error = error } }

    func recipient(of news: OrderNews) -> String? { news.kind == .orderConfirmed ? news.shippingAddress?.line1 : nil }

    func send(_ notification: OutgoingNotification) async throws(DeliveryError) {
        let error = state.withLock { state in
            if state.error == nil { state.sent.append(notification.recipient) }
            return state.error
        }
        if let error { throw error }
    }
}

@Suite struct ChannelTests {
    private let transport = ScriptedTransport()
    private let pigeons = Pigeons()

    private func start() async throws -> ServiceHarness {
        try await ServiceHarness.notifications(transport, others: [pigeons])
    }

    private func event(_ name: String = MessageName.orderConfirmed, address: Bool = true) throws -> Request {
        let line = OrderLine(sku: "CUP", name: "Cup", quantity: 1, unitPrice: Money(amount: 899, currency: "EUR"))
        let place = Address(name: "Ada", line1: "12 Square", city: "London", postalCode: "SW1Y 4JH", country: "GB")
        let settled = OrderSettled(
            orderID: UUID(), number: "W-1", email: "ada@example.com", lines: [line], total: line.lineTotal, reason: nil, shippingAddress: address ? place : nil)
        return try Request(name, sending: settled)
    }

    @Test func `news goes to a customer once by each channel that carries it to them`() async throws {
        let service = try await start()
        let all = try event()
        let mailOnly = [try event(address: false), try event(MessageName.orderRejected)]
        for batch in [[all], [all], mailOnly] { #expect(await service.send(batch).allSatisfy { $0.failure == nil }) }
        #expect(pigeons.sent == ["12 Square"])
        #expect(transport.sent.count == 3)
        #expect(try await service.count("SELECT count(*) FROM notifications WHERE channel = 'pigeon'") == 1)
        #expect(try await service.count("SELECT count(*) FROM notifications WHERE channel = 'email'") == 3)
    }

    @Test func `while one channel fails the other has sent, and is not asked again`() async throws {
        let service = try await start()
        pigeons.fail(with: DeliveryError("storm", .unavailable))
        let request = try event()
        #expect(await service.send([request])[0].failure == Failure("pigeon-not-sent", "storm", remedy: .retry))
        #expect(transport.sent.count == 1)
        pigeons.fail(with: nil)
        #expect(await service.send([request])[0].failure == nil)
        #expect(transport.sent.count == 1 && pigeons.sent.count == 1)
    }

    @Test func `a refusal by one channel does not keep the other from being tried again`() async throws {
        let service = try await start()
        pigeons.fail(with: DeliveryError("no such window", .refused))
        transport.fail("ada@example.com", with: DeliveryError("busy", .unavailable))
        let request = try event()
        #expect(await service.send([request])[0].failure == Failure("mail-not-sent", "busy", remedy: .retry))
        transport.fail("ada@example.com", with: nil)
        #expect(await service.send([request])[0].failure == Failure("pigeon-refused", "no such window"))
        #expect(transport.sent.count == 1)
    }
}
