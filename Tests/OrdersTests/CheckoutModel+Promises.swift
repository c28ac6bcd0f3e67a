@testable import Orders
@testable import Payments

/// The promises that hold in every state.
extension CheckoutModel {
    var paid: Money { capturesLater ? .reserved : .taken }

    /// True if the order's money is there, or was there until the bank ended the authorization.
    private var isPaid: Bool { money == paid || lapsed || shipped && money == .taken }

    var violations: [String] {
        var found: [String] = []
        if checkout.orderState == "confirmed" {
            if reservation != .reserved, reservation != .committed { found.append("confirmed without stock") }
            if !isPaid { found.append("confirmed without money") }
        }
        if announcedConfirmed, announcedRejected { found.append("announced as both confirmed and rejected") }
        if flight.contains(.step(.announceActionRequired)), attempt?.intent == nil { found.append("the customer is asked to act, and the gateway has nothing to act on") }
        if announcedCancelled, announcedRejected { found.append("announced as both cancelled and rejected") }
        if shipped, checkout.phase != .confirmed { found.append("shipped, and given up") }
        if isQuiet, shipped, money != .taken, attempt?.state != .uncaptured { found.append("shipped, and neither paid nor reported to an operator") }
        if checkout.isCancelled, checkout.orderState == "confirmed" || checkout.orderState == "rejected" { found.append("cancelled, and called \(checkout.orderState)") }
        if isQuiet, checkout.phase == .rejected || checkout.phase == .cancelled {
            if money == .taken, attempt?.state != .needsOperator { found.append("rejected and the money kept") }
            // A payment that is not captured takes no money.
            if money == .waitsForCustomer, !redirects { found.append("rejected and still payable") }
            if money == .reserved { found.append("rejected and the money reserved") }
            if reservation == .reserved || reservation == .committed { found.append("rejected and the stock kept") }
        }
        return found
    }
}
