import FoundationEssentials
import ShopClient
import Terminal

/// Looks at accepted orders until they have settled.
package struct Follower: Sendable {
    package let shop: Shop
    package let queue: FollowQueue
    /// Whether the time that an order's history tells is comparable with the time here.
    package let sharesClock: Bool
    let onSettled: @Sendable (PlacedOrder, OrderTold, _ at: Date) -> Void

    package init(
        shop: Shop, queue: FollowQueue, sharesClock: Bool, onSettled: @escaping @Sendable (PlacedOrder, OrderTold, _ at: Date) -> Void
    ) {
        self.shop = shop
        self.queue = queue
        self.sharesClock = sharesClock
        self.onSettled = onSettled
    }

    /// Returns when there is nothing more to follow, or when the time of the run is over.
    package func run() async throws {
        let clock = ContinuousClock()
        do {
            while var followed = await queue.take() {
                while true {
                    try await clock.sleep(until: followed.dueAt)
                    if let told = try await look(at: followed.order), told.state.isSettled {
                        let seenAt = Date()
                        onSettled(followed.order, told, sharesClock ? told.settledAt ?? seenAt : seenAt)
                        break
                    }
                    followed.postpone(now: clock.now)
                    // One that does not get on must not hide those behind it.
                    if followed.pause == FollowedOrder.longestPause { followed = queue.exchange(followed) }
                }
            }
        } catch let error as LoadError where error.code == .deadline {
            return
        }
    }

    /// Nil when the shop does not show it now.
    private func look(at order: PlacedOrder) async throws -> OrderTold? {
        let query = order.token.map { "?token=\($0)" } ?? ""
        do {
            return try await shop.reply(to: .get("/v1/orders/\(order.id.uuidString.lowercased())\(query)"))
        } catch is Refusal {
            return nil
        }
    }
}
