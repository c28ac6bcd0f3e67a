import FoundationEssentials
import Runtime
import ShopClient
import Synchronization
import Terminal

/// The part of a run that is measured: carts, checkouts, and following the orders until they settle.
struct LoadPhases: Sendable {
    let plan: LoadPlan
    let scoreboard: Scoreboard
    let shop: Shop

    private var shopper: Shopper { Shopper(shop: shop, goods: plan.baskets.goods) }

    /// Returns when every order has settled, or when the time of the run is over.
    func run() async throws {
        var carts: [FilledCart?]?
        if plan.prepares {
            scoreboard.enter(.carts)
            carts = try await (0..<plan.orders).concurrentMap(limit: plan.clients) { try await fillCart($0) }
        }
        scoreboard.enter(.orders)
        try await order(carts)
    }

    private func order(_ carts: [FilledCart?]?) async throws {
        let queue = FollowQueue()
        let follower = Follower(shop: shop, queue: queue, sharesClock: plan.target.isThisMachine) { [scoreboard] order, reported, time in
            scoreboard.note { $0.settle(order, reported, at: time) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { queue.finish() }
                try await self.checkOut(carts, queue)
            }
            for _ in 0..<plan.followers { group.addTask { try await follower.run() } }
            try await group.waitForAll()
        }
    }

    private func checkOut(_ carts: [FilledCart?]?, _ queue: FollowQueue) async throws {
        let next = Counter(below: plan.orders)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<min(plan.clients, plan.orders) {
                group.addTask {
                    while let number = next.next(), ContinuousClock.now < shop.deadline {
                        let cart = if let carts { carts[number] } else { try await fillCart(number) }
                        if let cart { try await checkOut(cart, queue) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Nil when the shop refuses, which is recorded, or when the time is over.
    private func fillCart(_ number: Int) async throws -> FilledCart? {
        do {
            let cart = try await shopper.fillCart(plan.basket(number))
            scoreboard.note { $0.cartIsFilled() }
            return cart
        } catch let refusal as Refusal {
            scoreboard.note { $0.refuse(refusal) }
        } catch let error as LoadError where error.code == .deadline {}
        return nil
    }

    private func checkOut(_ cart: FilledCart, _ queue: FollowQueue) async throws {
        scoreboard.note { $0.send(at: Date()) }
        do {
            let order = try await shopper.checkOut(cart)
            scoreboard.note { $0.accept(order) }
            queue.put(FollowedOrder(order, now: .now))
        } catch let refusal as Refusal {
            scoreboard.note { $0.refuse(refusal) }
        } catch let error as LoadError where error.code == .deadline {
            scoreboard.note { $0.leaveUnanswered(cart: cart.id) }
        }
    }
}

/// Gives each number once, in the order of the calls.
private final class Counter: Sendable {
    private let state = Mutex(0)
    private let end: Int

    init(below end: Int) {
        self.end = end
    }

    func next() -> Int? {
        state.withLock { number in
            guard number < end else { return nil }
            defer { number += 1 }
            return number
        }
    }
}
