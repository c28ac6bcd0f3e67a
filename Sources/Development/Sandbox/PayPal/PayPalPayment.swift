/// A PayPal order with its capture, its refunds and its dispute.
struct PayPalPayment: Sendable, Equatable, Codable {
    enum Status: String, Sendable, Codable {
        case created = "CREATED"
        case payerActionRequired = "PAYER_ACTION_REQUIRED"
        case approved = "APPROVED"
        case completed = "COMPLETED"
    }

    /// What the customer has chosen on the page, or what the tester wants to happen.
    enum Choice: String, Sendable, Codable, CaseIterable {
        case approve
        /// Approves, and the bank declines the capture.
        case decline
        /// Approves, and the capture is under review.
        case review
        /// Approves; refunds take days.
        case bank
        case cancel
    }

    struct Capture: Sendable, Equatable, Codable {
        enum Status: String, Sendable, Codable {
            case completed = "COMPLETED"
            case pending = "PENDING"
            case declined = "DECLINED"
        }

        let id: String
        var status: Status
        let at: Int
    }

    struct Refund: Sendable, Equatable, Codable {
        enum Status: String, Sendable, Codable {
            case completed = "COMPLETED"
            case pending = "PENDING"
            case failed = "FAILED"
        }

        let id: String
        var status: Status
        let amount: PayPalMoney
        let invoice: String?
        let custom: String?
        let note: String?
        let at: Int
    }

    struct Dispute: Sendable, Equatable, Codable {
        let id: String
        let reason: String
        /// Nil while it is open.
        var outcome: String?
        let at: Int
    }

    /// Seconds after which PayPal forgets an order that was not approved and captured.
    static let life = 3 * 3_600

    let id: String
    var status: Status
    let custom: String?
    let invoice: String?
    let reference: String
    let description: String?
    let amount: PayPalMoney
    let returnURL: String?
    let cancelURL: String?
    /// Whether it was created with a payment source, as orders now are.
    let hasSource: Bool
    let created: Int
    var updated: Int
    var choice: Choice?
    var capture: Capture?
    var refunds: [Refund] = []
    var dispute: Dispute?
    /// Increases with each change, because journal entries may arrive in any order. Journals of earlier versions have no revisions; their entries apply in file order.
    var revision: Int?

    /// In units of `amount`.
    var refunded: Int { refunds.reduce(0) { $1.status == .failed ? $0 : $0 + $1.amount.units } }
    var captured: Int { capture?.status == .completed ? amount.units : 0 }

    func isGone(at now: Int) -> Bool { capture == nil && now - created >= Self.life }

    /// The state of the capture as PayPal's API names it.
    var captureStatus: String? {
        guard let capture else { return nil }
        guard capture.status == .completed, refunded > 0 else { return capture.status.rawValue }
        return refunded < amount.units ? "PARTIALLY_REFUNDED" : "REFUNDED"
    }
}
