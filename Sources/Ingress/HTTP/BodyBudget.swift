import Synchronization

/// Bounds the memory of the bodies that the process holds at one time: those that are arriving, and those of requests waiting for their answers.
///
/// The first bytes of each body are free, and bounded by the number of requests in progress: clients that fill the budget with large or
/// half-sent bodies do not prevent others from placing an order.
final class BodyBudget: Sendable {
    /// Of each body. Above every body of an ordinary request; 5,000 concurrent requests hold 80 MiB of these at most.
    static let freeBytes = 16_384

    private let bytes: Int
    private let held = Mutex(0)

    /// - Parameter bytes: of all bodies together, in addition to the free bytes. Arrays grow by doubling, so memory may be twice that.
    init(bytes: Int) {
        self.bytes = bytes
    }

    /// The bytes counted at the moment.
    var heldBytes: Int { held.withLock { $0 } }

    func share() -> Share { Share(self) }

    private func take(_ count: Int) -> Bool {
        held.withLock { held in
            guard count <= bytes - held else { return false }
            held += count
            return true
        }
    }

    private func giveBack(_ count: Int) {
        held.withLock { $0 -= count }
    }

    /// The share of one request.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let counted = Mutex(0)

        fileprivate init(_ budget: BodyBudget) {
            self.budget = budget
        }

        /// Whether the request may hold `total` bytes.
        func grow(to total: Int) -> Bool {
            counted.withLock { counted in
                let more = total - BodyBudget.freeBytes - counted
                guard more > 0 else { return true }
                guard budget.take(more) else { return false }
                counted += more
                return true
            }
        }

        /// Gives all of it back.
        func end() {
            let rest = counted.withLock { counted in
                defer { counted = 0 }
                return counted
            }
            if rest > 0 { budget.giveBack(rest) }
        }
    }
}
