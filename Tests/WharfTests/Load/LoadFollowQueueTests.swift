import Contracts
import FoundationEssentials
import Testing

@testable import Load

struct LoadFollowQueueTests {
    private static func order() -> FollowedOrder {
        let order = PlacedOrder(
            id: UUID(), token: nil, cart: UUID(), total: Money(amount: 1, currency: "EUR"), isFaithful: true, sentAt: Date(),
            acceptance: .zero)
        return FollowedOrder(order, now: .now)
    }

    @Test("Orders come out in their order, each once, and then nothing")
    func order() async {
        let queue = FollowQueue()
        let orders = (0..<500).map { _ in Self.order() }
        for order in orders { queue.put(order) }
        queue.finish()
        var taken: [UUID] = []
        while let order = await queue.take() { taken.append(order.order.id) }
        #expect(taken == orders.map(\.order.id))
        #expect(await queue.take() == nil)
    }

    @Test("A waiting follower gets the next order, or nil at the end", .timeLimit(.minutes(1)))
    func waiting() async {
        let queue = FollowQueue()
        let orders = (0..<100).map { _ in Self.order() }
        let taken = await withTaskGroup(of: [UUID].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var taken: [UUID] = []
                    while let order = await queue.take() { taken.append(order.order.id) }
                    return taken
                }
            }
            for order in orders {
                queue.put(order)
                await Task.yield()
            }
            queue.finish()
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(taken.count == 100)
        #expect(Set(taken) == Set(orders.map(\.order.id)))
    }

    @Test("A slow order goes behind all others and is not lost")
    func exchange() async {
        let queue = FollowQueue()
        let (slow, next) = (Self.order(), Self.order())
        #expect(queue.exchange(slow).order.id == slow.order.id)
        queue.put(next)
        #expect(queue.exchange(slow).order.id == next.order.id)
        queue.finish()
        #expect(await queue.take()?.order.id == slow.order.id)
        #expect(await queue.take() == nil)
    }

    @Test("Polls become rarer, down to one a second")
    func pauses() {
        var order = Self.order()
        let now = ContinuousClock.now
        var pauses: [Duration] = []
        for _ in 0..<7 {
            order.postpone(now: now)
            pauses.append(order.dueAt - now)
        }
        #expect(pauses == [100, 200, 400, 800, 1_000, 1_000, 1_000].map { .milliseconds($0) })
    }
}
