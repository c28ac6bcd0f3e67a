import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// One order, the messages about its payment, and the payment service.
struct PaymentFixture {
    static let order = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))

    let gateway = ScriptedGateway()
    let service: ServiceDefinition
    let harness: ServiceHarness

    init(isCapturedLater: Bool = false) async throws {
        let clock = SetClock()
        service = PaymentsService.definition(gateways: [gateway], capture: isCapturedLater ? .manual : .automatic, clock: clock)
        harness = try await ServiceHarness(service, PaymentsService.migrations, clock: clock)
    }

    static func charge(_ amount: Money = ScriptedGateway.amount) throws -> Request {
        let step = ChargeOrder(
            orderID: order, amount: amount, payment: PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"),
            orderNumber: "W-1")
        return try Request(MessageName.charge, sending: step)
    }

    static func void() throws -> Request {
        try Request(MessageName.void, sending: VoidPayment(orderID: order))
    }

    static func undo(extra intent: String, at gateway: GatewayName? = nil) throws -> Request {
        try Request(MessageName.undoExtra, sending: UndoExtraPayment(orderID: order, intent: intent, gateway: gateway))
    }

    /// An event of Stripe's. `status` is that of its object, which may be long outdated.
    static func webhook(_ type: String, id: String = UUID().uuidString, intent: String = "pi_1", status: String = "requires_payment_method") -> Request {
        let body = """
            {"id": "\(id)", "type": "\(type)", "data": {"object": {"id": "\(intent)", "status": "\(status)", "payment_intent": "\(intent)",
             "client_secret": "s", "metadata": {"order_id": "\(order.uuidString)"}}}}
            """
        return Request(id: UUID(), operation: "payments.webhooks.stripe", body: Array(body.utf8))
    }

    func send(_ request: Request) async -> BatchHandler.Result {
        await harness.send([request])[0]
    }

    /// The event that the checkout receives with the result.
    static func event(_ result: BatchHandler.Result) throws -> CheckoutEvent {
        let output = result.outputs.first { $0.key == MessageName.advance }
        return try JSON.decode(from: output?.body ?? [])
    }

    /// The dead letter that the result leads to, as it is replayed.
    static func letter(_ result: BatchHandler.Result) throws -> Request {
        let output = try #require(result.outputs.first { $0.key == MessageName.unresolved })
        return Request(id: UUID(), operation: MessageName.unresolved, body: output.body)
    }

    /// All items of a list, page by page; of ten pages at most.
    func list<Item: Decodable>(_ operation: String, _ parameters: [String: String]) async throws -> [Item] {
        var found: [Item] = []
        var parameters = parameters
        for _ in 1...10 {
            let page: ListedPage<Item> = try await harness.ask(try Request(operation, parameters: parameters)).decoded()
            found += page.items
            guard let cursor = page.nextCursor else { break }
            parameters["cursor"] = cursor
        }
        return found
    }

    /// A refund as a service requests it.
    static func refund(_ amount: Int?, isCapped: Bool? = nil, id: UUID = UUID()) throws -> Request {
        let refund = CreateRefund(refundID: id, orderID: order, amount: amount, isCapped: isCapped, reason: "a torn page", actor: "orders")
        return try Request(MessageName.createRefund, sending: refund)
    }

    /// A refund as an administrator requests it.
    static func refund(over body: String, order: UUID = order) -> Request {
        Request(
            id: UUID(), operation: MessageName.createRefund, parameters: ["id": order.uuidString],
            caller: Caller(id: UUID(), role: .admin), body: Array(body.utf8), requester: Requester(replyTo: "replies.test", correlationID: "1"))
    }

    static func perform(_ id: UUID) throws -> Request {
        try Request(MessageName.performRefund, sending: PerformRefund(refundID: id, orderID: order))
    }

    /// Creates a refund and requests it from the gateway, as its two messages do; returns the result of the second.
    func refund(_ amount: Int?, id: UUID = UUID()) async throws -> BatchHandler.Result {
        let created = await send(try Self.refund(amount, id: id))
        guard created.outputs.map(\.key) == [MessageName.performRefund] else { return created }
        return await send(try Self.perform(id))
    }

    /// A fixture whose order is paid.
    static func paid() async throws -> PaymentFixture {
        let fixture = try await PaymentFixture()
        fixture.gateway.have(.succeeded(intent: "pi_1"))
        _ = await fixture.send(try charge())
        return fixture
    }

    /// A fixture whose charge never had an answer.
    static func unanswered() async throws -> PaymentFixture {
        let fixture = try await PaymentFixture()
        fixture.gateway.state.withLock { $0.answer = .failure(.unknown("timed out")) }
        _ = await fixture.send(try charge())
        return fixture
    }

    /// What the pollers find now.
    func due(_ name: String = "unvoided payments") async throws -> [OutgoingMessage] {
        guard let poller = service.pollers.first(where: { $0.name == name }) else { return [] }
        return try await harness.database.transaction { try await poller.find($0) }
    }

    var state: String {
        get async throws {
            try await harness.database.withConnection { try await $0.query("SELECT state FROM attempts") }.first?.decode(0) ?? "none"
        }
    }
}

private struct ListedPage<Item: Decodable>: Decodable {
    let items: [Item]
    let nextCursor: String?
}
