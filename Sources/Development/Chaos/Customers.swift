import FoundationEssentials
import Load
import ShopClient
import Synchronization
import WebClient

/// Customers who fill carts and order them, one after the other, until the shop is closed to them; each order is followed until it has settled.
final class Customers: Sendable {
    /// Enough that at any moment some order is in each step of its way.
    static let count = 8
    private static let followers = 8
    /// A customer's pause between two baskets: the shop should be busy, the machine not saturated.
    private static let pause = Duration.milliseconds(150)

    let scoreboard = Scoreboard()
    let availability = Availability()
    private let plan: ChaosPlan
    private let shop: Shop
    private let queue = FollowQueue()
    private let state = Mutex((begun: 0, isClosed: false))

    init(_ plan: ChaosPlan, url: String, transport: any HTTPTransport) {
        self.plan = plan
        shop = Shop(transport: transport, url: url, deadline: .now + plan.longestRun) { [scoreboard] reason in
            scoreboard.note { $0.retry(reason) }
        }
    }

    /// Checkouts that were begun.
    var begun: Int { state.withLock { $0.begun } }

    /// Orders that are accepted and have not settled.
    var inFlight: Int { scoreboard.read { tally, _ in tally.accepted - tally.settled } }

    /// No customer begins another basket.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Returns when the shop is closed to them, every checkout is answered and every order has settled.
    func run() async throws {
        let follower = Follower(shop: shop, queue: queue, sharesClock: true) { [scoreboard] order, reported, time in
            scoreboard.note { $0.settle(order, reported, at: time) }
        }
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
                        try await self.order(self.plan.basket(number))
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

    private func order(_ basket: [Baskets.Line]) async throws {
        let shopper = Shopper(shop: shop, goods: plan.baskets.goods)
        do {
            let cart = try await shopper.fillCart(basket)
            scoreboard.note { tally in
                tally.cartIsFilled()
                tally.send(at: Date())
            }
            do {
                let order = try await shopper.checkOut(cart)
                availability.succeed()
                scoreboard.note { $0.accept(order) }
                queue.put(FollowedOrder(order, now: .now))
            } catch let error where !(error is Refusal) {
                scoreboard.note { $0.leaveUnanswered(cart: cart.id) }
                throw error
            }
        } catch let refusal as Refusal {
            scoreboard.note { $0.refuse(refusal) }
        }
    }
}
