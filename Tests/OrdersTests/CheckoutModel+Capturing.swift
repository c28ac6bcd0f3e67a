@testable import Orders
@testable import Payments

/// Payments that are authorized at the checkout, and captured after the goods have left.
extension CheckoutModel {
    /// A capture: T1 commits that it was requested, the gateway carries it out, T2 learns the result. Until then the bank may end the authorization.
    func capturing(faultless: Bool) -> [CheckoutModel] {
        var next: [CheckoutModel] = []
        guard capturesLater, let attempt else { return next }
        if !faultless, money == .reserved { next.append(with { ($0.money, $0.lapsed) = (.cancelled, true) }) }
        guard shipped, !attempt.voidRequested else { return next }
        switch attempt.state {
        case .authorized where !attempt.captureRequested: next.append(with { $0.attempt?.captureRequested = true })
        case .authorized where money == .reserved: next.append(with { $0.money = .taken })
        // The authorization ended before anything was shipped.
        case .voided: next.append(with { $0.attempt?.state = .uncaptured })
        default: break
        }
        return next
    }
}
