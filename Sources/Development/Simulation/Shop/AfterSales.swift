import Contracts
import FoundationEssentials
import Messaging

/// What happens to the money of a confirmed order: refunds in parts, more than is left, two at once; and what others do at the gateway by themselves.
extension Customer {
    static let refunds = 10...300
    /// The share of authorizations that end as soon as the order is confirmed, perhaps before the first parcel leaves.
    static let earlyLapses = 0.15

    func complain(about order: UUID) async throws {
        if shop.capture == .manual, chance.happens(Self.earlyLapses) { lapse(order) }
        for number in 0..<chance.below(5) {
            try await shop.clock.sleep(for: chance.duration(milliseconds: 100...20_000))
            // A refund first: what others do needs one, mostly.
            switch number == 0 ? 0 : chance.below(7) {
            case 0, 1: try await refund(order, key: "refund \(number)", amount: Self.refunds.lowerBound + chance.below(Self.refunds.count))
            case 2:
                shop.visits.note(Moment.refundsAtOnce)
                async let first: Void = refund(order, key: "refund \(number) a", amount: Self.refunds.lowerBound + chance.below(Self.refunds.count))
                try await refund(order, key: "refund \(number) b", amount: nil)
                try await first
            case 3:
                if shop.gateway.refundByHand(order, amount: 50) { shop.visits.note(Moment.refundByHand) }
            case 4:
                if shop.gateway.failRefund(order) { shop.visits.note(Moment.refundFailedLate) }
            case 5: lapse(order)
            default:
                guard shop.gateway.dispute(order) else { continue }
                shop.visits.note(Moment.dispute)
                try await shop.clock.sleep(for: chance.duration(milliseconds: 1_000...20_000))
                shop.gateway.decideDispute(order, isWon: chance.happens(0.5))
            }
        }
    }

    /// Ends the authorization, as a bank does, if the payment is not captured yet.
    private func lapse(_ order: UUID) {
        if shop.gateway.endAuthorization(order) { shop.visits.note(Moment.authorizationEnded) }
    }

    private func refund(_ order: UUID, key: String, amount: Int?) async throws {
        let body = amount.map { #"{"amount":\#($0),"reason":"a complaint"}"# } ?? #"{"reason":"a complaint"}"#
        let reply = try await ask(
            MessageName.createRefund, key: key, parameters: ["id": order.uuidString], body: body, durability: .durable,
            caller: Caller(id: order, role: .admin))
        switch reply?.status {
        case 202: shop.visits.note(Moment.refund)
        case 409: shop.visits.note(Moment.refundTooMuch)
        case nil: break
        case let status?: ledger.complain("a refund was answered \(status)")
        }
    }
}
