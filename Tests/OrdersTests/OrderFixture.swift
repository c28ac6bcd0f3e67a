import Contracts
import FoundationEssentials
import PostgreSQL

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// One order that is being placed, and the events that arrive for it.
struct OrderFixture {
    static let requester = Requester(replyTo: "replies.ingress.1", correlationID: "1")

    let id = UUID()
    let cart = UUID()
    let service: ServiceDefinition
    let harness: ServiceHarness
    private let quantity: Int

    private let name: String
    private let email: String

    init(quantity: Int = 1, customer: UUID? = nil, name: String = "C", email: String = "c@wharf.example") async throws {
        (self.quantity, self.name, self.email) = (quantity, name, email)
        let clock = SetClock()
        service = OrdersService.definition(clock: clock)
        harness = try await ServiceHarness(service, OrdersService.migrations, clock: clock)
        _ = try await place(id, by: customer)
    }

    /// - Parameter waiting: Asks for the order's end as well, until so many seconds from now.
    func place(_ id: UUID, by customer: UUID? = nil, cart: UUID? = nil, waiting: Double? = nil) async throws -> BatchHandler.Result {
        let line = OrderLine(sku: "tea", name: "Tea", quantity: quantity, unitPrice: Money(amount: 100, currency: "EUR"))
        var order = PlaceOrder(
            orderID: id, cartID: cart ?? self.cart, customerID: customer, email: email,
            shippingAddress: Address(name: name, line1: "1", line2: nil, city: "B", postalCode: "1", country: "DE"),
            payment: PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"), lines: [line], total: line.lineTotal)
        order.locale = "de-AT"
        var request = Request(id: UUID(), operation: MessageName.place, body: try JSON.encode(order), requester: Self.requester)
        request.settlesUntil = waiting.map { harness.clock.now().addingTimeInterval($0) }
        return await harness.send([request])[0]
    }

    func request(_ kind: CheckoutEvent.Kind, _ payment: PaymentReport? = nil) throws -> Request {
        let event = CheckoutEvent(orderID: id, kind: kind, payment: payment)
        return try Request(MessageName.advance, sending: event)
    }

    /// The keys of the messages that follow.
    @discardableResult
    func advance(_ kind: CheckoutEvent.Kind, _ payment: PaymentReport? = nil) async throws -> [String] {
        await harness.send([try request(kind, payment)])[0].outputs.map(\.key)
    }

    /// The keys of the messages that follow from a report of payments about a refund.
    func refunded(_ refund: RefundReport, _ payment: PaymentReport) async throws -> [String] {
        var event = CheckoutEvent(orderID: id, kind: .paymentChanged, payment: payment)
        event.refund = refund
        let request = try Request(MessageName.advance, sending: event)
        return await harness.send([request])[0].outputs.map(\.key)
    }

    func take(_ kinds: CheckoutEvent.Kind...) async throws {
        for kind in kinds { try await advance(kind) }
    }

    var view: OrderView {
        get async throws {
            let rows = try await harness.database.withConnection { try await Store.find([id], on: $0) }
            guard let row = rows[id] else { throw Failure("order-missing", "the order is not there") }
            return try row.view
        }
    }

    /// The messages that the poller finds now, by the ids of their causes.
    func overdue() async throws -> [UUID?] {
        guard let poller = service.pollers.first else { return [] }
        return try await harness.database.transaction { try await poller.find($0) }.map(\.origin)
    }
}
