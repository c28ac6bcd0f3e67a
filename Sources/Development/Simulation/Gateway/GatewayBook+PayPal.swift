import FoundationEssentials
import JSON
import Secrets

/// The model PayPal: orders that a customer approves on its pages, and that are captured after that.
extension GatewayBook {
    struct PayPal: Sendable {
        /// What the customer does on the page, and what happens to the capture.
        enum Choice: Sendable {
            case approve
            /// Approves, and the bank declines the capture.
            case decline
            /// Approves, and PayPal reviews the capture.
            case review
        }

        /// Nil until the customer has approved.
        var choice: Choice?
        /// Whether the customer approved after the payment was voided.
        var isApprovedTooLate = false

        var isApproved: Bool { choice != nil }
    }

    private struct NewOrder: Decodable {
        struct Unit: Decodable {
            let custom: String
            let amount: Amount

            private enum CodingKeys: String, CodingKey {
                case custom = "custom_id"
                case amount
            }
        }

        let units: [Unit]

        private enum CodingKeys: String, CodingKey {
            case units = "purchase_units"
        }
    }

    private struct NewRefund: Decodable {
        let amount: Amount
        let invoice: String

        private enum CodingKeys: String, CodingKey {
            case amount
            case invoice = "invoice_id"
        }
    }

    private struct Amount: Decodable {
        let value: String

        /// In cents.
        var cents: Int? {
            let parts = value.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let whole = parts.first.flatMap({ Int($0) }), let rest = parts.last.flatMap({ Int($0) }) else { return nil }
            return whole * 100 + rest
        }
    }

    private static let base = "https://api-m.paypal.com"

    static func isPayPal(_ path: String) -> Bool { ["/v2/", "/v1/oauth2/", "/v1/customer/"].contains(where: path.hasPrefix) }

    // MARK: Requests

    mutating func postToPayPal(_ parts: [String], _ text: [UInt8]) -> Answer {
        switch (parts.count, parts.last) {
        case (3, "token"): return Answer(status: 200, body: Array(#"{"access_token":"token","token_type":"Bearer","expires_in":32400}"#.utf8))
        case (3, "orders"):
            guard let new: NewOrder = try? JSON.decode(from: text), let unit = new.units.first, let order = UUID(text: unit.custom), let amount = unit.amount.cents
            else { return Self.refusal(400, "INVALID_REQUEST") }
            var intent = Intent(id: "PP\(intents.count + 1)", order: order, amount: amount, status: .requiresAction)
            intent.payPal = PayPal()
            intents.append(intent)
            return Answer(status: 201, body: Self.order(intent))
        case (5, "capture"): return capture(parts[3])
        case (5, "refund"): return refund(capture: parts[3], text)
        default: return Self.refusal(404, "RESOURCE_NOT_FOUND")
        }
    }

    func getFromPayPal(_ path: String) -> Answer {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let names = parts.first?.split(separator: "/").map(String.init) ?? []
        let id = names.last ?? ""
        switch (names.count, names.dropLast().last) {
        case (4, "orders"): return intent(id).map { Answer(status: 200, body: Self.order($0)) } ?? Self.refusal(404, "RESOURCE_NOT_FOUND")
        case (4, "captures"):
            guard let intent = intents.first(where: { $0.captureID == id }) else { return Self.refusal(404, "RESOURCE_NOT_FOUND") }
            return Answer(status: 200, body: Array(Self.capture(intent).utf8))
        case (3, "customer"):
            // The list does not say how a dispute ended.
            let found = intents.filter { $0.dispute != nil && parts.last?.contains("=\($0.captureID)&") == true }.map { Self.dispute($0, isListed: true) }
            return Answer(status: 200, body: Array(#"{"items":[\#(found.joined(separator: ","))]}"#.utf8))
        case (4, "disputes"):
            guard let intent = intents.first(where: { $0.disputeID == id }) else { return Self.refusal(404, "RESOURCE_NOT_FOUND") }
            return Answer(status: 200, body: Array(Self.dispute(intent, isListed: false).utf8))
        default: return Self.refusal(404, "RESOURCE_NOT_FOUND")
        }
    }

    private mutating func capture(_ id: String) -> Answer {
        guard let place = intents.firstIndex(where: { $0.id == id }), let state = intents[place].payPal else { return Self.refusal(404, "RESOURCE_NOT_FOUND") }
        guard intents[place].status == .requiresAction else { return Self.refusal(422, "ORDER_ALREADY_CAPTURED") }
        switch state.choice {
        case nil: return Self.refusal(422, "ORDER_NOT_APPROVED")
        case .decline:
            // The customer may choose another way to pay on the same page.
            intents[place].payPal?.choice = nil
            return Self.refusal(422, "INSTRUMENT_DECLINED")
        case .review:
            intents[place].status = .processing
            return Answer(status: 201, body: Self.order(intents[place]), events: [("PAYMENT.CAPTURE.PENDING", intents[place])])
        case .approve:
            intents[place].status = .succeeded
            intents[place].captures += 1
            return Answer(status: 201, body: Self.order(intents[place]), events: [("PAYMENT.CAPTURE.COMPLETED", intents[place])])
        }
    }

    private mutating func refund(capture: String, _ text: [UInt8]) -> Answer {
        guard let place = intents.firstIndex(where: { $0.captureID == capture }), intents[place].status == .succeeded else { return Self.refusal(404, "RESOURCE_NOT_FOUND") }
        guard let new: NewRefund = try? JSON.decode(from: text), let amount = new.amount.cents else { return Self.refusal(400, "INVALID_REQUEST") }
        let left = intents[place].amount - intents[place].refunded
        if intents[place].dispute == "needs_response" { return Self.refusal(422, "TRANSACTION_DISPUTED") }
        if left <= 0 { return Self.refusal(422, "CAPTURE_FULLY_REFUNDED") }
        guard amount > 0, amount <= left else { return Self.refusal(422, "REFUND_AMOUNT_EXCEEDED") }
        lastRefund += 1
        let refund = Refund(id: "RE\(lastRefund)", amount: amount, metadata: ["invoice": new.invoice], status: "succeeded")
        intents[place].refunds.insert(refund, at: 0)
        return Answer(status: 201, body: Array(Self.refund(refund, of: intents[place]).utf8), events: [("charge.refunded", intents[place])])
    }

    // MARK: What others do

    /// The customer approves on PayPal's page; nil where nothing is left to approve.
    mutating func approve(_ order: UUID, _ choice: PayPal.Choice, isTooLate: Bool) -> Answer? {
        guard let place = intents.lastIndex(where: { $0.order == order && $0.payPal?.isApproved == false && $0.status == .requiresAction }) else { return nil }
        intents[place].payPal?.choice = choice
        intents[place].payPal?.isApprovedTooLate = isTooLate
        return Answer(status: 200, body: [], events: [("CHECKOUT.ORDER.APPROVED", intents[place])])
    }

    /// Ends the review of an order's payment. Returns nil if no payment is under review.
    mutating func endReview(_ order: UUID, isCompleted: Bool) -> Answer? {
        guard let place = intents.lastIndex(where: { $0.order == order && $0.status == .processing }) else { return nil }
        intents[place].status = isCompleted ? .succeeded : .requiresPaymentMethod
        if isCompleted { intents[place].captures += 1 }
        return Answer(status: 200, body: [], events: [(isCompleted ? "PAYMENT.CAPTURE.COMPLETED" : "PAYMENT.CAPTURE.DENIED", intents[place])])
    }

    // MARK: Texts

    /// - Parameter type: PayPal's, or Stripe's for what happens to the payments of both.
    static func payPalEvent(_ type: String, _ intent: Intent, id: String) -> [UInt8] {
        let kind =
            switch type {
            case "charge.refunded": "PAYMENT.CAPTURE.REFUNDED"
            case "refund.failed": "PAYMENT.REFUND.FAILED"
            case "charge.dispute.created": "CUSTOMER.DISPUTE.CREATED"
            case "charge.dispute.closed": "CUSTOMER.DISPUTE.RESOLVED"
            default: type
            }
        let resource =
            if kind.hasPrefix("CHECKOUT") {
                String(decoding: order(intent), as: UTF8.self)
            } else if kind.hasPrefix("CUSTOMER") {
                dispute(intent, isListed: false)
            } else if kind.hasPrefix("PAYMENT.CAPTURE.REFUNDED") || kind.hasPrefix("PAYMENT.REFUND"), let newest = intent.refunds.first {
                refund(newest, of: intent)
            } else {
                capture(intent)
            }
        return Array(#"{"id":"\#(id)","event_type":"\#(kind)","resource":\#(resource)}"#.utf8)
    }

    private static func money(_ cents: Int) -> String {
        let rest = cents % 100
        return #"{"currency_code":"EUR","value":"\#(cents / 100).\#(rest < 10 ? "0" : "")\#(rest)"}"#
    }

    private static func order(_ intent: Intent) -> [UInt8] {
        let status =
            switch intent.status {
            case .requiresAction: intent.payPal?.isApproved == true ? "APPROVED" : "PAYER_ACTION_REQUIRED"
            default: "COMPLETED"
            }
        let refunds = intent.refunds.map { refund($0, of: intent) }.joined(separator: ",")
        let payments = intent.status == .requiresAction ? "" : #","payments":{"captures":[\#(capture(intent))],"refunds":[\#(refunds)]}"#
        return Array(
            #"""
            {"id":"\#(intent.id)","status":"\#(status)","purchase_units":[{"custom_id":"\#(intent.order.lowerCaseText)","amount":\#(money(intent.amount))\#(payments)}],\#
            "links":[{"rel":"payer-action","href":"https://paypal.example/\#(intent.id)"}]}
            """#.utf8)
    }

    private static func capture(_ intent: Intent) -> String {
        let status =
            switch intent.status {
            case .processing: "PENDING"
            case .succeeded: intent.refunded == 0 ? "COMPLETED" : intent.refunded < intent.amount ? "PARTIALLY_REFUNDED" : "REFUNDED"
            default: "DECLINED"
            }
        return #"""
            {"id":"\#(intent.captureID)","status":"\#(status)","amount":\#(money(intent.amount)),"custom_id":"\#(intent.order.lowerCaseText)",\#
            "supplementary_data":{"related_ids":{"order_id":"\#(intent.id)"}},"order_id":"\#(intent.id)"}
            """#
    }

    private static func refund(_ refund: Refund, of intent: Intent) -> String {
        let invoice = refund.metadata["invoice"].map { #","invoice_id":"\#($0)""# } ?? ""
        return #"""
            {"id":"\#(refund.id)","status":"\#(refund.status == "failed" ? "FAILED" : "COMPLETED")","amount":\#(money(refund.amount))\#(invoice),\#
            "order_id":"\#(intent.id)","links":[{"rel":"up","href":"\#(base)/v2/payments/captures/\#(intent.captureID)"}]}
            """#
    }

    private static func dispute(_ intent: Intent, isListed: Bool) -> String {
        let isOpen = intent.dispute == "needs_response"
        let outcome = isOpen || isListed ? "" : #","dispute_outcome":{"outcome_code":"\#(intent.dispute == "won" ? "RESOLVED_SELLER_FAVOUR" : "RESOLVED_BUYER_FAVOUR")"}"#
        return #"""
            {"id":"\#(intent.disputeID)","dispute_id":"\#(intent.disputeID)","status":"\#(isOpen ? "WAITING_FOR_SELLER_RESPONSE" : "RESOLVED")","reason":"UNAUTHORISED",\#
            "dispute_amount":\#(money(intent.amount)),"order_id":"\#(intent.id)","disputed_transactions":[{"seller_transaction_id":"\#(intent.captureID)"}]\#(outcome)}
            """#
    }

    private static func refusal(_ status: Int, _ issue: String) -> Answer {
        Answer(status: status, body: Array(#"{"name":"UNPROCESSABLE_ENTITY","message":"refused","details":[{"issue":"\#(issue)"}]}"#.utf8))
    }
}

extension GatewayBook.Intent {
    /// PayPal's names for its capture and its dispute.
    var captureID: String { "CAP-\(id)" }
    var disputeID: String { "PP-D-\(id)" }
}
