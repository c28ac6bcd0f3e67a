import Contracts
import FoundationEssentials
import Messaging

/// A clerk who books deliveries without an `Idempotency-Key`, and relies on the shop's answers: a refused booking is sent again as a new request, one that
/// may have been accepted is not.
struct Clerk: Sendable {
    static let deliveries = 40
    static let attempts = 20
    static let timeout: Duration = .seconds(10)

    let shop: Shop
    let ledger: CustomerLedger
    let chance: Chance

    func run() async throws {
        let caller = Caller(id: chance.uuid(), role: .admin)
        for number in 1...Self.deliveries {
            try await shop.clock.sleep(for: chance.duration(milliseconds: 0...4_000))
            let reason = "delivery \(number)"
            if try await book(reason, caller) { ledger.booked(reason) }
        }
    }

    /// Whether the shop has reported it as booked.
    private func book(_ reason: String, _ caller: Caller) async throws -> Bool {
        for _ in 0..<Self.attempts {
            let id = chance.uuid()
            shop.origins.add(id)
            let request = Request(
                id: id, operation: "catalog.stock.adjust", parameters: ["sku": Stockroom.plenty[0]], caller: caller,
                body: Array(#"{"delta":1,"reason":"\#(reason)"}"#.utf8))
            do {
                switch try await shop.ingress.send(request, durability: .command, timeout: Self.timeout).status {
                case 200..<300: return true
                case 503: shop.visits.note(Moment.refusedForNow)
                default: return false
                }
            } catch RequestClient.Unanswered.timedOut {
                return false
            } catch {
                // Nothing was accepted.
            }
            try await shop.clock.sleep(for: chance.duration(milliseconds: 500...3_000))
        }
        return false
    }
}
