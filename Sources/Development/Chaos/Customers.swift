import FoundationEssentials
import Load
import ShopClient
import Synchronization
import WebClient

/// Customers who fill carts and order them, one after the other, until the shop is closed to them; each order is followed until it has settled, and then
/// shipped, cancelled, returned or refunded, by its fate.
final class Customers: Sendable {
    /// Enough that at any moment some order is in each step of its way.
    static let count = 8
    private static let followers = 8
    /// The number of orders that are handled concurrently after their checkouts.
    private static let desks = 6
    /// The maximum number of settled orders that wait to be handled. Further ones stay as they are, because the run has to end soon after its last fault.
    private static let maximumWaiting = 60
    /// A customer's pause between two baskets: the shop should be busy, the machine not saturated.
    private static let pause = Duration.milliseconds(150)

    let scoreboard = Scoreboard()
    let availability = Availability()
    private let plan: ChaosPlan
    private let shop: Shop
    private let queue = FollowQueue()
    private let afterSales: AfterSales
    private let settled: AsyncStream<Settled>
    private let settling: AsyncStream<Settled>.Continuation
    private let state = Mutex(State())

    private struct State {
        var begun = 0
        var isClosed = false
        /// The numbers of the orders, which their fates follow from.
        var numbers: [UUID: Int] = [:]
    }

    private struct Settled: Sendable {
        let order: PlacedOrder
        let reported: ReportedOrder
        let fate: Fate
    }

    init(_ plan: ChaosPlan, url: String, administrator: Administrator, transport: any HTTPTransport) {
        self.plan = plan
        (settled, settling) = AsyncStream<Settled>.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumWaiting))
        shop = Shop(transport: transport, url: url, deadline: .now + plan.longestRun) { [scoreboard] reason in
            scoreboard.note { $0.retry(reason) }
        }
        afterSales = AfterSales(administrator: administrator.with(shop), shop: shop, promises: Promises())
    }

    /// The shop's answers after checkouts.
    var promises: Promises { afterSales.promises }

    /// Checkouts that were begun.
    var begun: Int { state.withLock { $0.begun } }

    /// Orders that are accepted and have not settled.
    var inFlight: Int { scoreboard.read { tally, _ in tally.accepted - tally.settled } }

    /// No customer begins another basket.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Returns when the shop is closed to them, every checkout is answered, every order has settled and what follows has been requested.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { self.settling.finish() }
                try await self.buyAndFollow()
            }
            group.addTask { try await self.handleSettled() }
            try await group.waitForAll()
        }
    }

    private func handleSettled() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var free = Self.desks
            for await one in settled {
                if free == 0 {
                    try await group.next()
                    free += 1
                }
                free -= 1
                group.addTask { try await self.afterSales.follow(one.order, one.reported, one.fate) }
            }
            try await group.waitForAll()
        }
    }

    private func settle(_ order: PlacedOrder, _ reported: ReportedOrder, at time: Date) {
        scoreboard.note { $0.settle(order, reported, at: time) }
        guard reported.state == .confirmed, let number = state.withLock({ $0.numbers[order.id] }) else { return }
        settling.yield(Settled(order: order, reported: reported, fate: plan.fate(of: number)))
    }

    private func buyAndFollow() async throws {
        let follower = Follower(shop: shop, queue: queue, sharesClock: true) { self.settle($0, $1, at: $2) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { self.queue.finish() }
                try await self.buy()
            }
            for _ in 0..<Self.followers { group.addTask { try await follower.run() } }
            try await group.waitForAll()
        }
    }

    private func buy() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.count {
                group.addTask {
                    while let number = self.next() {
                        try await self.order(number)
                        try await Task.sleep(for: Self.pause)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func next() -> Int? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            defer { state.begun += 1 }
            return state.begun
        }
    }

    private func order(_ number: Int) async throws {
        let shopper = Shopper(shop: shop, goods: plan.baskets.goods)
        var placed: PlacedOrder?
        do {
            let cart = try await shopper.fillCart(plan.basket(number))
            scoreboard.note { tally in
                tally.cartIsFilled()
                tally.send(at: Date())
            }
            do {
                let order = try await shopper.checkOut(cart)
                availability.succeed()
                scoreboard.note { $0.accept(order) }
                state.withLock { $0.numbers[order.id] = number }
                queue.put(FollowedOrder(order, now: .now))
                placed = order
            } catch let error where !(error is Refusal) {
                scoreboard.note { $0.leaveUnanswered(cart: cart.id) }
                throw error
            }
        } catch let refusal as Refusal {
            scoreboard.note { $0.refuse(refusal) }
        }
        if let placed, plan.fate(of: number) == .cancelledAtOnce { try await afterSales.cancelAtOnce(placed) }
    }
}
