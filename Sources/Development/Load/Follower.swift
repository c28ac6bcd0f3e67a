import FoundationEssentials
import ShopClient
import Terminal

/// Polls accepted orders until they have settled.
package struct Follower: Sendable {
    package let shop: Shop
    package let queue: FollowQueue
    /// Whether the times in an order's history are comparable with the time here.
    package let sharesClock: Bool
    let onSettled: @Sendable (PlacedOrder, ReportedOrder, _ at: Date) -> Void

    package init(
        shop: Shop, queue: FollowQueue, sharesClock: Bool, onSettled: @escaping @Sendable (PlacedOrder, ReportedOrder, _ at: Date) -> Void
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
                    if let reported = try await look(at: followed.order), reported.state.isSettled {
                        let seenAt = Date()
                        onSettled(followed.order, reported, sharesClock ? reported.settledAt ?? seenAt : seenAt)
                        break
                    }
                    followed.postpone(now: clock.now)
                    // An order that makes no progress must not hide those behind it.
                    if followed.pause == FollowedOrder.longestPause { followed = queue.exchange(followed) }
                }
            }
        } catch let error as LoadError where error.code == .deadline {
            return
        }
    }

    /// Nil when the shop does not show it now.
    private func look(at order: PlacedOrder) async throws -> ReportedOrder? {
        let query = order.token.map { "?token=\($0)" } ?? ""
        do {
            return try await shop.reply(to: .get("/v1/orders/\(order.id.uuidString.lowercased())\(query)"))
        } catch is Refusal {
            return nil
        }
    }
}
