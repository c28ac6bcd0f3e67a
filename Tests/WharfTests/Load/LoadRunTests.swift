import Testing
import WebClient

@testable import Load
@testable import ShopClient
@testable import Terminal

@Suite(.timeLimit(.minutes(2)))
struct LoadRunTests {
    private static let orders = 40
    /// More than it takes to place all of them, on a busy machine too.
    private static let timeForOrders = Duration.seconds(8)

    private func run(
        _ shop: FakeShop, stock: Int? = nil, prepares: Bool = true, timeout: Duration = .seconds(60), password: String = "secret"
    ) async throws -> LoadReport {
        let run = try Self.make(shop, stock: stock, prepares: prepares, timeout: timeout, password: password)
        try await run.perform()
        return run.report
    }

    private static func make(
        _ shop: any HTTPTransport, stock: Int? = nil, prepares: Bool = true, timeout: Duration = .seconds(60), password: String = "secret"
    ) throws -> LoadRun {
        let target = try LoadTarget(
            .init(url: FakeShop.url, ledger: FakeShop.ledger, email: "admin@wharf.example", password: password), record: .init(),
            secrets: .init())
        let baskets = try Baskets(Array("whole milk,rolls/buns\nrice,rice\nwhole milk\n".utf8))
        let plan = LoadPlan(
            target: target, baskets: baskets, sequence: baskets.order(seed: nil), orders: orders, clients: 8, stock: stock,
            prepares: prepares, timeout: timeout)
        return LoadRun(plan, transport: shop, quietLimit: .zero)
    }

    private func wrong(_ report: LoadReport) throws -> [String] {
        try #require(report.checks).filter { !$0.isGood }.map(\.name)
    }

    @Test("Every basket becomes one order, and everything adds up", arguments: [true, false])
    func good(_ prepares: Bool) async throws {
        let shop = FakeShop()
        let report = try await run(shop, prepares: prepares)
        #expect(try wrong(report).isEmpty)
        #expect(report.isGood)
        #expect(report.accepted == Self.orders)
        #expect(report.states == ["confirmed": Self.orders])
        #expect(report.retries.isEmpty)
        #expect(shop.now.orders.count == Self.orders)
        #expect(shop.now.products["groc-whole-milk"]?.onHand == Stocking.usual - 27)
    }

    @Test("A second run finds the goods of the first")
    func again() async throws {
        let shop = FakeShop()
        _ = try await run(shop)
        #expect(try await run(shop).isGood)
        #expect(shop.now.products["groc-rice"]?.onHand == Stocking.usual - 52)
    }

    @Test("Temporary refusals and lost answers duplicate no order and lose none")
    func faults() async throws {
        let shop = FakeShop(.init(refusesEvery: 5, losesEvery: 7))
        let report = try await run(shop, prepares: false)
        #expect(try wrong(report).isEmpty)
        #expect(report.retries["503", default: 0] > 0 && report.retries["connection lost", default: 0] > 0)
        #expect(shop.now.orders.count == Self.orders)
    }

    @Test("Scarce stock leads to rejected orders, which add up as well")
    func scarcity() async throws {
        let report = try await run(FakeShop(), stock: 5)
        #expect(try wrong(report).isEmpty)
        #expect(report.rejections["outOfStock", default: 0] > 20)
        #expect(report.states["confirmed", default: 0] + report.states["rejected", default: 0] == Self.orders)
    }

    @Test(
        "A fault of the shop is reported",
        arguments: [
            (FakeShop.Bug.doubleCharge, ["no order charged twice"]),
            (.keptMoney, ["no money kept for rejected orders"]),
            (.lostStock, ["stock gone = pieces sold"]),
            (.deadLetter, ["no new dead letters"]),
            (.stuckOrder, ["every order settled", "no stock left reserved"]),
        ])
    func bugs(_ bug: FakeShop.Bug, _ complaints: [String]) async throws {
        // An order that never settles is waited for to the end; all others end by themselves.
        let report = try await run(FakeShop(.init(bug: bug)), timeout: bug == .stuckOrder ? Self.timeForOrders : .seconds(60))
        let found = try wrong(report)
        for complaint in complaints { #expect(found.contains(complaint), "\(found)") }
        #expect(!report.isGood)
    }

    @Test("A shop that forgets idempotency keys is detected by a repeated checkout")
    func forgottenKeys() async throws {
        let report = try await run(FakeShop(.init(losesEvery: 3, bug: .forgottenKey)), prepares: false)
        #expect(try wrong(report).contains("no checkout refused"))
    }

    @Test("A user who is not an administrator is rejected before anything is sold")
    func credentials() async throws {
        let shop = FakeShop()
        let error = await #expect(throws: LoadError.self) { try await run(shop, password: "guess") }
        #expect(error?.code == .refused)
        #expect(shop.now.products.isEmpty)
    }

    @Test("The error names the sandbox if it rejects the key")
    func ledgerKey() async throws {
        let error = await #expect(throws: LoadError.self) { try await run(FakeShop(.init(refusesLedger: true))) }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("\(FakeShop.ledger) refuses to show its ledger: 401") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("administrator") == false)
    }

    @Test("When the time is over, checkouts without an answer are reported")
    func deadline() async throws {
        let report = try await run(FakeShop(.init(pendingLooks: .max)), timeout: Self.timeForOrders)
        #expect(try wrong(report).contains("every order settled"))
        #expect(report.accepted == Self.orders)
        #expect(report.ordersPerSecond == nil)
    }

    @Test("An interrupted run stops at once and reports what is known")
    func interruption() async throws {
        let run = try Self.make(FakeShop(.init(pendingLooks: .max)))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await run.perform() }
            while run.scoreboard.read({ tally, _ in tally.accepted }) < Self.orders { await Task.yield() }
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
        #expect(run.report.accepted == Self.orders)
        #expect(run.report.checks == nil)
        #expect(!run.report.isGood)
    }
}
