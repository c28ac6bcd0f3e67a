import Contracts
import FoundationEssentials

@testable import Orders
@testable import Payments

/// A gateway on whose pages customers approve payments, which payments then captures.
extension CheckoutModel {
    /// The outcomes of the gateway's review, at any time.
    var reviewEnding: [CheckoutModel] { money == .reviewed ? [Money.taken, .declined].map { outcome in with { $0.money = outcome } } : [] }

    /// What follows from the gateway's events, or from asking it: an approval leads only to its capture.
    var reported: PaymentStatus? { redirects && (money == .waitsForCustomer || money == .approved) ? nil : moneyStatus }

    /// A capture: T1 takes the lease, the gateway carries it out, T2 commits the result.
    func approving(faultless: Bool) -> [CheckoutModel] {
        guard let attempt else { return [] }
        guard attempt.isBeingCaptured(at: attempt.createdAt) else {
            guard attempt.isApprovable, money == .approved else { return [] }
            return [with { $0.attempt?.sentUntil = attempt.createdAt + 60 }]
        }
        if money == .approved { return [Money.taken, .declined, .reviewed].map { outcome in with { $0.money = outcome } } + (faultless ? [] : [with { $0.attempt?.sentUntil = nil }]) }
        let committed = with { model in
            model.attempt?.sentUntil = nil
            if let status = model.moneyStatus { model.learn(status) }
        }
        // The worker died, and the lease has ended.
        return faultless ? [committed] : [committed, with { $0.attempt?.sentUntil = nil }]
    }
}
