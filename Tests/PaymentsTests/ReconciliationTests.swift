import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Secrets
import Synchronization
import Testing

@testable import JSON
@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// What books and gateway can differ in, one payment at a time.
@Suite struct ComparisonTests {
    private static let statuses: [PaymentStatus] = [
        .succeeded(intent: "pi_1"), .authorized(intent: "pi_1"), .requiresAction(intent: "pi_1", clientSecret: ""), .declined(intent: "pi_1", code: "c"),
        .cancelled(intent: "pi_1"), .open(intent: "pi_1"),
    ]

    private func attempt(_ state: Attempt.State, intent: String? = "pi_1", refunded: Int = 0, taken: Int? = nil) -> Attempt {
        let charge = Charge(
            order: PaymentFixture.order, orderNumber: "W-1", amount: ScriptedGateway.amount, paymentMethod: "pm", idempotencyKey: UUID())
        return Attempt(
            order: PaymentFixture.order, charge: charge, state: state, intent: intent, taken: taken, refunded: refunded,
            createdAt: Date(timeIntervalSince1970: 0))
    }

    private func payment(_ status: PaymentStatus, amount: Int = 500, captured: Int? = nil, refunded: Int = 0) -> GatewayPayment {
        GatewayPayment(
            status: status, order: PaymentFixture.order, amount: Money(amount: amount, currency: "EUR"), captured: captured, refunded: refunded)
    }

    /// Whatever the gateway reports, books that have learned it agree; with a decision or a refused capture they agree as well.
    @Test func `books that have learned what the gateway has agree with it, and other states do not`() {
        for status in Self.statuses {
            for state in Attempt.State.allCases {
                var learned = attempt(state)
                _ = learned.learn(payment(status))
                let agrees = Comparison.states(agreeingWith: status).contains(state)
                let found = Comparison.differences(attempt(state), payment(status))
                #expect(found.contains { $0.kind == .state } == !agrees, "\(state) beside \(status)")
                if [.begun, .requiresAction].contains(state), status != .open(intent: "pi_1") {
                    #expect(Comparison.states(agreeingWith: status).contains(learned.state), "\(state) has learned \(status)")
                }
            }
        }
    }

    @Test func `amounts, captures and refunds are compared`() {
        #expect(Comparison.differences(attempt(.succeeded), payment(.succeeded(intent: "pi_1"))).isEmpty)
        #expect(Comparison.differences(attempt(.succeeded), payment(.succeeded(intent: "pi_1"), amount: 600, captured: 500)).map(\.kind) == [.amount])
        #expect(Comparison.differences(attempt(.succeeded), payment(.succeeded(intent: "pi_1"), captured: 300)).map(\.kind) == [.captured])
        #expect(Comparison.differences(attempt(.succeeded, taken: 300), payment(.succeeded(intent: "pi_1"), captured: 300)).isEmpty)
        let refund = Comparison.differences(attempt(.succeeded, refunded: 100), payment(.succeeded(intent: "pi_1"), refunded: 200))
        #expect(refund.map(\.kind) == [.refunded] && refund.map(\.books) == ["100"] && refund.map(\.gateway) == ["200"])
        #expect(Comparison.differences(attempt(.refunded, refunded: 500), payment(.succeeded(intent: "pi_1"), refunded: 500)).isEmpty)
    }

    @Test func `a payment that only one of the two has is named, unless it is known or never existed`() {
        let paid = payment(.succeeded(intent: "pi_1"))
        #expect(Comparison.differences(nil, paid).map(\.kind) == [.onlyAtGateway])
        #expect(Comparison.differences(nil, paid, isUnclaimed: true).isEmpty)
        #expect(Comparison.differences(attempt(.succeeded), nil).map(\.kind) == [.onlyInBooks])
        #expect(Comparison.differences(attempt(.begun, intent: nil), nil).isEmpty && Comparison.differences(attempt(.voided, intent: nil), nil).isEmpty)
        #expect(Comparison.differences(nil, nil).isEmpty)
    }

    @Test func `a second payment matters while it holds money or may receive some`() {
        let own = attempt(.succeeded, intent: "pi_0")
        for status in Self.statuses {
            let second = payment(status)
            #expect(Comparison.differences(own, second).map(\.kind) == (second.isLive ? [.onlyAtGateway] : []), "\(status)")
            #expect(Comparison.differences(own, second, isUnclaimed: true).isEmpty)
        }
        #expect(Comparison.differences(own, payment(.succeeded(intent: "pi_1"), refunded: 500)).isEmpty)
        #expect(Comparison.differences(attempt(.begun, intent: nil), payment(.succeeded(intent: "pi_1"))).map(\.kind) == [.state])
    }
}

/// Books of a thousand orders beside a gateway with the same payments.
@Suite struct ReconciliationTests {
    private static let count = 1_200

    private func order(_ number: Int) -> UUID { UUID.v5(namespace: PaymentFixture.order, name: String(number)) }

    /// A paid order each second, except for the first hundred, which share one.
    private func shop() async throws -> (fixture: PaymentFixture, listed: ListedGateway, start: Date) {
        let fixture = try await PaymentFixture()
        let start = fixture.harness.clock.now()
        let numbers = Array(1...Self.count)
        let times = numbers.map { start.addingTimeInterval($0 <= 100 ? 0.5 : Double($0) - 99.5) }
        _ = try await fixture.harness.database.transaction { transaction in
            try await transaction.execute(
                """
                INSERT INTO attempts (order_id, idempotency_key, amount, currency, payment_method, order_number, state, intent_id, created_at, updated_at)
                SELECT id, id, 500, 'EUR', 'pm', 'W-' || number, 'succeeded', 'pi_' || number, at, at
                FROM unnest(\(numbers.map(order)), \(numbers), \(times)) AS new (id, number, at)
                """)
        }
        let payments = zip(numbers, times).map { number, time in
            // Made a second after its attempt, so that it lies in the next page's period now and then.
            ListedGateway.Entry(
                at: time.addingTimeInterval(1),
                payment: GatewayPayment(status: .succeeded(intent: "pi_\(number)"), order: order(number), amount: ScriptedGateway.amount))
        }
        fixture.harness.clock.advance(by: 7_200)
        return (fixture, ListedGateway(payments), start)
    }

    private func compare(_ shop: (fixture: PaymentFixture, listed: ListedGateway, start: Date)) async throws -> ReconciliationReport {
        let reconciliation = Reconciliation(gateway: shop.listed, database: shop.fixture.harness.database, clock: shop.fixture.harness.clock)
        return try #require(try await reconciliation.run(since: shop.start))
    }

    @Test func `equal books and lists do not differ, in pages`() async throws {
        let shop = try await shop()
        let report = try await compare(shop)
        #expect(report.isClean && report.attempts == Self.count && report.payments == Self.count)
        #expect(shop.listed.state.withLock { $0.largest } <= 100)
        #expect(shop.listed.state.withLock { $0.retrieved.count } < Self.count / 10, "only those at the edges of pages are asked for one by one")
        await shop.fixture.harness.database.close()
    }

    @Test func `each difference is named once`() async throws {
        let shop = try await shop()
        shop.listed.change("pi_7") { _ in nil }
        shop.listed.change("pi_100") { GatewayPayment(status: $0.status, order: $0.order, amount: $0.amount, refunded: 200) }
        shop.listed.change("pi_600") { GatewayPayment(status: .cancelled(intent: "pi_600"), order: $0.order, amount: $0.amount) }
        shop.listed.change("pi_1200") { GatewayPayment(status: $0.status, order: $0.order, amount: Money(amount: 499, currency: "EUR"), captured: 500) }
        shop.listed.add(.init(at: shop.start.addingTimeInterval(30), payment: GatewayPayment(status: .succeeded(intent: "pi_x"), order: UUID(), amount: ScriptedGateway.amount)))
        shop.listed.add(.init(at: shop.start.addingTimeInterval(30), payment: GatewayPayment(status: .succeeded(intent: "pi_y"), order: nil, amount: ScriptedGateway.amount)))
        let report = try await compare(shop)
        let found = Dictionary(grouping: report.differences, by: \.kind).mapValues { $0.compactMap(\.paymentId) }
        #expect(found == [.onlyInBooks: ["pi_7"], .refunded: ["pi_100"], .state: ["pi_600"], .amount: ["pi_1200"], .onlyAtGateway: ["pi_x"]])
        #expect(report.unlisted == 0)
        await shop.fixture.harness.database.close()
    }

    @Test func `a payment in flight that arrives in time does not differ`() async throws {
        let shop = try await shop()
        shop.listed.change("pi_5") { GatewayPayment(status: $0.status, order: $0.order, amount: $0.amount, refunded: 200) }
        let database = shop.fixture.harness.database
        let order = order(5)
        shop.listed.state.withLock { state in
            state.onRetrieve = { try? await database.withConnection { _ = try await $0.execute("UPDATE attempts SET refunded = 200 WHERE order_id = \(order)") } }
        }
        #expect(try await compare(shop).isClean)
        await database.close()
    }

    @Test func `a gateway that fails, or has no list, gives no result`() async throws {
        let shop = try await shop()
        shop.listed.state.withLock { $0.isAway = true }
        await #expect(throws: GatewayError.self) { _ = try await compare(shop) }
        let other = Reconciliation(gateway: shop.fixture.gateway, database: shop.fixture.harness.database, clock: shop.fixture.harness.clock)
        #expect(try await other.run(since: shop.start) == nil)
        await shop.fixture.harness.database.close()
    }

    @Test func `one process compares once a day, and all report the result`() async throws {
        let shop = try await shop()
        shop.listed.change("pi_7") { _ in nil }
        let reconciliation = Reconciliation(gateway: shop.listed, database: shop.fixture.harness.database, clock: shop.fixture.harness.clock)
        let watches = [ReconciliationWatch(reconciliation, logger: Logger(label: "test")), ReconciliationWatch(reconciliation, logger: Logger(label: "test"))]
        for watch in watches { try await watch.compareIfDue() }
        let calls = shop.listed.state.withLock { $0.lists }
        for watch in watches { #expect(watch.problem?.contains("1 payment differs from stripe's list") == true) }
        try await watches[0].compareIfDue()
        #expect(shop.listed.state.withLock { $0.lists } == calls, "once a day")

        shop.fixture.harness.clock.advance(by: ReconciliationWatch.interval)
        _ = try await shop.fixture.harness.database.withConnection { try await $0.execute("DELETE FROM attempts WHERE intent_id = 'pi_7'") }
        for watch in watches { try await watch.compareIfDue() }
        #expect(watches.allSatisfy { $0.problem == nil })
        await shop.fixture.harness.database.close()
    }
}

/// A gateway with a list of payments.
private final class ListedGateway: PaymentGateway {
    struct Entry {
        let at: Date
        var payment: GatewayPayment
    }

    struct State {
        /// Newest first.
        var entries: [Entry]
        var lists = 0
        var largest = 0
        var retrieved: [String] = []
        var isAway = false
        var onRetrieve: @Sendable () async -> Void = {}
    }

    static let pageSize = 100

    let name = GatewayName.stripe
    let state: Mutex<State>

    init(_ entries: [Entry]) {
        state = Mutex(State(entries: entries.reversed()))
    }

    func add(_ entry: Entry) {
        state.withLock { state in
            let place = state.entries.firstIndex { $0.at <= entry.at } ?? state.entries.endIndex
            state.entries.insert(entry, at: place)
        }
    }

    /// Nil takes the payment away.
    func change(_ intent: String, _ change: (GatewayPayment) -> GatewayPayment?) {
        state.withLock { state in
            state.entries = state.entries.compactMap { entry in
                guard entry.payment.status.intent == intent else { return entry }
                return change(entry.payment).map { Entry(at: entry.at, payment: $0) }
            }
        }
    }

    func payments(madeIn period: Range<Date>, after position: String?) async throws(GatewayError) -> GatewayPage? {
        let page = state.withLock { state -> GatewayPage? in
            if state.isAway { return nil }
            state.lists += 1
            var there = state.entries.filter { period.contains(Date(timeIntervalSince1970: $0.at.timeIntervalSince1970.rounded(.down))) }.map(\.payment)
            if let position, let place = there.firstIndex(where: { $0.status.intent == position }) { there = Array(there[(place + 1)...]) }
            let page = Array(there.prefix(Self.pageSize))
            state.largest = max(state.largest, page.count)
            return GatewayPage(payments: page, next: there.count > page.count ? page.last?.status.intent : nil)
        }
        guard let page else { throw .unknown("away") }
        return page
    }

    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
        let first = state.withLock { $0.onRetrieve }
        await first()
        return state.withLock { state in
            state.retrieved.append(intent)
            return state.entries.first { $0.payment.status.intent == intent }?.payment
        }
    }

    func event(_ request: Request) throws -> GatewayEvent { try StripeEvent.read(request) }
    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment { throw .refused("not here") }
    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] { [] }
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] { [] }
    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment { throw .refused("not here") }
    func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment { throw .refused("not here") }
}
