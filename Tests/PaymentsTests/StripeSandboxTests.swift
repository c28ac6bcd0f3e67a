import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import ServiceLifecycle
import Synchronization
import Testing
import WebClient

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import Sandbox
@testable import ServiceKit

/// Payments, its books, and the Stripe sandbox on a port: nothing in between is scripted. The sandbox's webhooks reach nobody.
struct SandboxShop: Sendable {
    private static let key = "sk_test_payments"

    let gateway: StripeGateway
    let harness: ServiceHarness
    let base: String
    private let web: WebClient

    static func run(isCapturedLater: Bool = false, _ body: @Sendable (SandboxShop) async throws -> Void) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let clock = SetClock()
        // On the shop's clock.
        let sandbox = Sandbox(configuration: SandboxConfiguration(apiKey: key, webhookSecret: "whsec_test"), logger: logger, now: { clock.now() }) { port.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [sandbox], logger: logger))
        let web = WebClient(logger: logger)
        defer { web.shutdown() }
        try await withThrowingTaskGroup { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            var failure: (any Error)?
            if let port = await ports.first(where: { _ in true }) {
                do {
                    let base = "http://127.0.0.1:\(port)"
                    let gateway = StripeGateway(transport: web, key: key, base: base)
                    let service = PaymentsService.definition(gateways: [gateway], capture: isCapturedLater ? .manual : .automatic, clock: clock)
                    let harness = try await ServiceHarness(service, PaymentsService.migrations, clock: clock)
                    try await body(SandboxShop(gateway: gateway, harness: harness, base: base, web: web))
                    await harness.database.close()
                } catch {
                    failure = error
                }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            if let failure { throw failure }
        }
    }

    /// A paid order.
    func pay(_ amount: Int = 500, card: String = "pm_card_visa") async throws -> UUID {
        let order = UUID()
        let step = ChargeOrder(
            orderID: order, amount: Money(amount: amount, currency: "EUR"), payment: PaymentChoice(gateway: .stripe, paymentMethod: card), orderNumber: "W-1")
        _ = await harness.send([try Request(MessageName.charge, sending: step)])
        return order
    }

    func intent(of order: UUID) async throws -> String {
        try await harness.database.withConnection { try #require(try await Store.find([order], on: $0)[order]?.intent) }
    }

    func attempt(of order: UUID) async throws -> Attempt {
        try await harness.database.withConnection { try #require(try await Store.find([order], on: $0)[order]) }
    }

    /// What a person does at Stripe's dashboard.
    func atStripe(_ path: String, _ form: String = "") async throws {
        let response = try await web.send(
            WebRequest(
                method: "POST", url: "\(base)/v1/\(path)",
                headers: [("Authorization", "Bearer \(Self.key)"), ("Content-Type", "application/x-www-form-urlencoded")], body: Array(form.utf8)))
        #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
    }

    /// Stripe's response for this path.
    func stripe(_ path: String) async throws -> JSONValue {
        let response = try await web.send(WebRequest(url: "\(base)/v1/\(path)", headers: [("Authorization", "Bearer \(Self.key)")]))
        return try JSON.decode(from: response.body)
    }

    /// The customer authenticates with the bank.
    func authenticate(_ intent: String) async throws {
        let response = try await web.send(
            WebRequest(
                method: "POST", url: "\(base)/_authenticate/\(intent)", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("outcome=succeed".utf8)))
        #expect((200..<400).contains(response.status))
    }

    func reconcile(since: Date) async throws -> ReconciliationReport? {
        try await Reconciliation(gateway: gateway, database: harness.database, clock: harness.clock).run(since: since)
    }
}

@Suite struct StripeReconciliationTests {
    @Test func `books and Stripe's list agree, and what was done at Stripe differs until its event is caught up`() async throws {
        try await SandboxShop.run { shop in
            let start = shop.harness.clock.now()
            var orders: [UUID] = []
            for number in 1...120 { orders.append(try await shop.pay(500 + number)) }
            _ = try await shop.pay(card: "pm_card_chargeDeclined")
            let action = try await shop.pay(card: "pm_card_authenticationRequired")
            shop.harness.clock.advance(by: 240)
            let clean = try await shop.reconcile(since: start)
            #expect(clean?.isClean == true, "\(clean?.differences.map(\.text) ?? [])")
            #expect(clean?.payments == 122 && clean?.attempts == 122)

            let intent = try await shop.intent(of: orders[3])
            try await shop.atStripe("refunds", "payment_intent=\(intent)&amount=200")
            let cancelled = try await shop.intent(of: action)
            try await shop.atStripe("payment_intents/\(cancelled)/cancel")
            try await shop.atStripe("payment_intents", "amount=700&currency=eur&payment_method=pm_card_visa&confirm=true&metadata[order_id]=\(UUID().uuidString)")
            shop.harness.clock.advance(by: 240)
            let report = try await shop.reconcile(since: start)
            let found = Dictionary(grouping: report?.differences ?? [], by: \.kind).mapValues { $0.compactMap(\.paymentId) }
            #expect(found[.refunded] == [intent] && found[.state] == [cancelled] && found[.onlyAtGateway]?.count == 1 && found.count == 3)
        }
    }
}

/// Webhooks that never arrived.
@Suite struct EventCatchUpTests {
    private final class Queue: Sendable {
        struct State {
            var requests: [Request] = []
            var isAway = false
        }

        let state = Mutex(State())

        func send(_ requests: [Request]) -> Bool {
            state.withLock { state in
                if state.isAway { return false }
                state.requests += requests
                return true
            }
        }

        func take() -> [Request] {
            state.withLock { state in
                defer { state.requests = [] }
                return state.requests
            }
        }
    }

    private func catchUp(_ shop: SandboxShop, _ queue: Queue) -> EventCatchUp {
        EventCatchUp(
            gateway: shop.gateway, database: shop.harness.database, clock: shop.harness.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { queue.send($0) }
    }

    @Test func `what happened while no webhook arrived is caught up, in pages, and nothing is handed over twice`() async throws {
        try await SandboxShop.run { shop in
            let queue = Queue()
            let catchUp = catchUp(shop, queue)
            var orders: [UUID] = []
            for _ in 1...130 { orders.append(try await shop.pay()) }
            shop.harness.clock.advance(by: 600)
            try await catchUp.catchUpIfDue()
            #expect(queue.take().isEmpty, "their charges were answered")

            for order in orders { try await shop.atStripe("refunds", "payment_intent=\(shop.intent(of: order))&amount=100") }
            shop.harness.clock.advance(by: EventCatchUp.webhookTime / 2)
            try await catchUp.catchUpIfDue()
            #expect(queue.take().isEmpty, "their webhooks may be on their way")
            shop.harness.clock.advance(by: 600)
            queue.state.withLock { $0.isAway = true }
            await #expect(throws: Failure.self) { try await catchUp.catchUpIfDue() }
            queue.state.withLock { $0.isAway = false }
            shop.harness.clock.advance(by: 600)
            try await catchUp.catchUpIfDue()
            let missed = queue.take()
            #expect(Set(missed.map(\.id)).count == missed.count && missed.count >= 130)
            for start in stride(from: 0, to: missed.count, by: 100) {
                for result in await shop.harness.send(Array(missed[start..<min(start + 100, missed.count)])) { #expect(result.failure == nil) }
            }
            for order in orders { #expect(try await shop.attempt(of: order).refunded == 100) }
            shop.harness.clock.advance(by: 600)
            try await catchUp.catchUpIfDue()
            #expect(queue.take().isEmpty)
        }
    }

    @Test func `one process looks at a time, and not more often than it should`() async throws {
        try await SandboxShop.run { shop in
            let (first, second) = (Queue(), Queue())
            let order = try await shop.pay()
            try await shop.atStripe("refunds", "payment_intent=\(shop.intent(of: order))&amount=100")
            shop.harness.clock.advance(by: 600)
            try await catchUp(shop, first).catchUpIfDue()
            try await catchUp(shop, second).catchUpIfDue()
            #expect(!first.take().isEmpty && second.take().isEmpty)
        }
    }

    /// Stripe keeps events for 30 days.
    @Test func `a position that the gateway has forgotten costs no event`() async throws {
        try await SandboxShop.run { shop in
            let queue = Queue()
            let order = try await shop.pay()
            _ = try await shop.harness.database.withConnection {
                try await $0.execute(
                    """
                    INSERT INTO periodic_work (name, position, done_at, leased_until)
                    VALUES ('events of stripe', 'evt_forgotten', \(shop.harness.clock.now().addingTimeInterval(-600)), \(shop.harness.clock.now()))
                    """)
            }
            try await shop.atStripe("refunds", "payment_intent=\(shop.intent(of: order))&amount=100")
            shop.harness.clock.advance(by: 600)
            try await catchUp(shop, queue).catchUpIfDue()
            #expect(!queue.take().isEmpty)
        }
    }
}
