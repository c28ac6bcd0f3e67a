import Contracts
import FoundationEssentials
import Secrets

/// A difference between the books of payments and the gateway's own list.
public struct PaymentDifference: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case onlyInBooks, onlyAtGateway
        case state, amount, captured, refunded
    }

    public let kind: Kind
    public let orderId: String
    /// The gateway's id of the payment; nil if the books have none.
    public let paymentId: String?
    /// The value in each of the two.
    public let books: String
    public let gateway: String

    /// The difference as one line for people.
    public var text: String {
        "\(paymentId ?? "a payment") of order \(orderId): \(kind.rawValue) differs: books have \(books), the gateway has \(gateway)"
    }
}

/// The comparison of one payment, as a pure function.
enum Comparison {
    /// - Parameters:
    ///   - attempt: The attempt in the books; nil if they have none for the order.
    ///   - payment: The gateway's payment; nil if the gateway does not have it.
    ///   - isUnclaimed: Whether the books list the payment as money that belongs to no order's attempt.
    static func differences(_ attempt: Attempt?, _ payment: GatewayPayment?, isUnclaimed: Bool = false) -> [PaymentDifference] {
        switch (attempt, payment) {
        case (nil, nil): return []
        case (nil, let payment?):
            guard let order = payment.order, !isUnclaimed else { return [] }
            return [difference(.onlyAtGateway, order, payment.status.intent, "nothing", payment.text)]
        case (let attempt?, nil):
            // Nothing was to be charged, or nothing is known to have been.
            guard attempt.intent != nil || attempt.captured > 0 else { return [] }
            return [difference(.onlyInBooks, attempt.order, attempt.intent, attempt.state.rawValue, "nothing")]
        case (let attempt?, let payment?):
            return differences(attempt, payment, isUnclaimed)
        }
    }

    private static func differences(_ attempt: Attempt, _ payment: GatewayPayment, _ isUnclaimed: Bool) -> [PaymentDifference] {
        let intent = payment.status.intent
        guard attempt.intent == intent else {
            // One that was undone beside the order's own, or was never taken over, matters only while it holds money or may receive some.
            guard payment.isLive, !isUnclaimed else { return [] }
            guard attempt.intent == nil else { return [difference(.onlyAtGateway, attempt.order, intent, "\(attempt.intent ?? "nothing")", payment.text)] }
            return [difference(.state, attempt.order, intent, attempt.state.rawValue, payment.text)]
        }
        var found: [PaymentDifference] = []
        func compare(_ kind: PaymentDifference.Kind, _ books: Int, _ gateway: Int) {
            if books != gateway { found.append(difference(kind, attempt.order, intent, String(books), String(gateway))) }
        }
        // A row that only forbids a charge has no amount.
        if !attempt.charge.amount.currency.isEmpty, payment.amount != attempt.charge.amount {
            found.append(difference(.amount, attempt.order, intent, attempt.charge.amount.text, payment.amount.text))
        }
        guard states(agreeingWith: payment.status).contains(attempt.state) else {
            return found + [difference(.state, attempt.order, intent, attempt.state.rawValue, payment.text)]
        }
        compare(.captured, attempt.captured, payment.captured)
        compare(.refunded, attempt.refunded, payment.returned)
        return found
    }

    /// The states in which the books may have a payment that the gateway has in `status`.
    static func states(agreeingWith status: PaymentStatus) -> Set<Attempt.State> {
        switch status {
        case .succeeded: [.succeeded, .refunded, .needsOperator, .settled]
        case .authorized: [.authorized, .uncaptured, .settled]
        case .requiresAction: [.requiresAction]
        case .declined: [.declined]
        case .cancelled: [.voided, .uncaptured, .settled]
        case .open: [.begun, .requiresAction]
        }
    }

    private static func difference(_ kind: PaymentDifference.Kind, _ order: UUID, _ intent: String?, _ books: String, _ gateway: String) -> PaymentDifference {
        PaymentDifference(kind: kind, orderId: order.lowerCaseText, paymentId: intent, books: books, gateway: gateway)
    }
}

extension GatewayPayment {
    /// What was refunded, as the sum of the refunds if they are known, because some in a list may be newer than its totals.
    fileprivate var returned: Int {
        guard let movements else { return refunded }
        return movements.refunds.reduce(0) { $1.status == .pending || $1.status == .succeeded ? $0 + $1.amount : $0 }
    }

    fileprivate var text: String {
        switch status {
        case .succeeded: "succeeded, \(amount.text)"
        case .requiresAction: "requiresAction"
        case .authorized: "authorized"
        case .declined: "declined"
        case .cancelled: "cancelled"
        case .open: "open"
        }
    }
}
