import Contracts
import FoundationEssentials
import Messaging

/// What a gateway reports about an order's payment.
public enum PaymentStatus: Sendable, Equatable {
    case succeeded(intent: String)
    /// `clientSecret` is what the storefront needs to continue: for a gateway that redirects, the address of its page.
    case requiresAction(intent: String, clientSecret: String)
    /// The money is reserved on the customer's card, and is taken by a capture.
    case authorized(intent: String)
    case declined(intent: String?, code: String)
    case cancelled(intent: String)
    /// The payment exists and is undecided: not tried yet, or being processed.
    case open(intent: String)

    public var intent: String? {
        switch self {
        case .succeeded(let intent), .requiresAction(let intent, _), .authorized(let intent), .cancelled(let intent), .open(let intent): intent
        case .declined(let intent, _): intent
        }
    }
}

/// A payment as the gateway has it.
public struct GatewayPayment: Sendable, Equatable {
    public let status: PaymentStatus
    /// Nil for a payment that is not one of Wharf's.
    public let order: UUID?
    public let amount: Money
    /// What was taken, in minor units: less than the amount if only a part was captured.
    public let captured: Int
    /// In minor units.
    public let refunded: Int
    public let isDisputed: Bool
    /// All of its refunds and disputes; nil where the call does not say.
    public var movements: GatewayMovements?
    /// Whether the customer has approved it and the gateway waits for Wharf to capture it.
    public var awaitsCapture = false
    /// The method that the gateway has saved for a customer with this payment; nil if none was to be saved, or if the call does not say.
    public var savedMethod: GatewayMethod?

    /// - Parameter captured: The captured amount; nil if the gateway does not report it, which means all of it once the payment has succeeded.
    public init(
        status: PaymentStatus, order: UUID?, amount: Money, captured: Int? = nil, refunded: Int = 0, isDisputed: Bool = false,
        movements: GatewayMovements? = nil
    ) {
        self.status = status
        self.order = order
        self.amount = amount
        if case .succeeded = status { self.captured = captured ?? amount.amount } else { self.captured = 0 }
        self.refunded = refunded
        self.isDisputed = isDisputed
        self.movements = movements
    }

    /// Whether the gateway holds money from it.
    var isPaid: Bool {
        if case .succeeded = status { refunded < captured } else { false }
    }

    var isDecided: Bool {
        if case .open = status { false } else { true }
    }

    /// Whether it holds money, or may receive some without Wharf's involvement.
    var isLive: Bool {
        switch status {
        case .succeeded: isPaid
        case .requiresAction, .authorized, .open: true
        case .declined, .cancelled: false
        }
    }
}

/// The refunds and disputes of a payment: money that has gone back to the customer, or may.
public struct GatewayMovements: Sendable, Equatable {
    public struct Refund: Sendable, Equatable {
        public enum Status: String, Sendable, Equatable, CaseIterable {
            /// It counts as refunded already.
            case pending
            case succeeded
            /// The money is with the shop again.
            case failed, cancelled
        }

        /// The gateway's name for it.
        public let id: String
        /// The name under which Wharf requested it; nil for one that was made at the gateway.
        public let refundID: UUID?
        /// The number of the request: 0, and one more after each permanent rejection.
        public let round: Int
        /// In minor units.
        public let amount: Int
        public let status: Status
        public let reason: String?

        public init(id: String, refundID: UUID?, round: Int = 0, amount: Int, status: Status, reason: String? = nil) {
            self.id = id
            self.refundID = refundID
            self.round = round
            self.amount = amount
            self.status = status
            self.reason = reason
        }
    }

    public struct Dispute: Sendable, Equatable {
        public enum Outcome: String, Sendable, Equatable, CaseIterable {
            case open, won, lost
        }

        public let id: String
        /// In minor units.
        public let amount: Int
        /// In the gateway's words.
        public let reason: String
        public let outcome: Outcome

        public init(id: String, amount: Int, reason: String, outcome: Outcome) {
            self.id = id
            self.amount = amount
            self.reason = reason
            self.outcome = outcome
        }
    }

    public var refunds: [Refund]
    public var disputes: [Dispute]

    public init(refunds: [Refund] = [], disputes: [Dispute] = []) {
        self.refunds = refunds
        self.disputes = disputes
    }
}

/// A call to the gateway that did not end in an answer about the payment.
public enum GatewayError: Error, Sendable, Equatable {
    /// It may or may not have been carried out: a time-out, a 5xx, a conflict with the same call in progress.
    case unknown(String)
    /// The same call with the same key yields the same error from now on; it may or may not have been carried out.
    case keySpent(String)
    /// It was certainly not carried out.
    case notSent(String)
    /// The gateway rejects the call itself, whatever the card: our mistake.
    case refused(String)
}

public struct Charge: Sendable, Hashable {
    public let order: UUID
    public let orderNumber: String
    public let amount: Money
    public let paymentMethod: String
    /// The same for every call about this charge, until the gateway answers it only with an error.
    public internal(set) var idempotencyKey: UUID
    public var gateway = GatewayName.stripe
    /// The pages to which the gateway sends the customer's browser. They are part of each request for the charge and are not stored.
    var returnURL: String?
    var cancelURL: String?
    /// Only authorizes the payment; a capture takes the money later.
    public var isCapturedLater = false
    /// The gateway's customer: the one to whom the saved method belongs, or for whom it is to be saved.
    public var customer: String?
    /// Whose method is to be saved; nil if none is. Never changed once the gateway may have been called.
    var saveFor: UUID?
}

/// A refund to request.
public struct RefundCall: Sendable, Hashable {
    public let intent: String
    public let order: UUID
    /// Wharf's name for it, which the gateway keeps and returns with it.
    public let refundID: UUID
    public var round = 0
    /// Nil for the rest of the payment.
    public let amount: Money?
    public let idempotencyKey: UUID
}

/// An event as a gateway sends it, reduced to the payment that may have changed.
public struct GatewayEvent: Sendable {
    public enum Kind: Sendable {
        case succeeded, paymentFailed, cancelled, requiresAction, authorized
        /// The customer has approved it on the gateway's pages: it may be captured.
        case approved
        /// A refund or a dispute.
        case moneyMoved
    }

    /// The subject of an event of a known kind. Nothing else of its object is used.
    public struct Hint: Sendable {
        let kind: Kind
        let intent: String?
        /// Nil where the event does not name one.
        let order: UUID?
    }

    public let id: String
    /// Nil for an event of another kind.
    public let hint: Hint?
}

/// A payment gateway, as payments needs it. Every call may be repeated: the gateway acts once per key.
public protocol PaymentGateway: Sendable {
    var name: GatewayName { get }
    /// The event in the body of a webhook whose signature the ingress has checked.
    /// - Throws: A ``Failure`` when it is not one of the gateway's.
    func event(_ request: Request) throws -> GatewayEvent

    func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment
    /// The payments of the order that a quick search finds; it may lag, so an empty answer proves nothing.
    func find(order: UUID) async throws(GatewayError) -> [GatewayPayment]
    /// All payments of the order that were made from `start` on, with no lag and at more cost.
    func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment]
    /// The payment as it is now, with its refunds and disputes; nil when the gateway has no such payment.
    func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment?
    /// The same for a payment that only an event without an order's name is about; nil also for one that cannot be Wharf's, or is not shown to it.
    func retrieve(ofEvent intent: String) async throws(GatewayError) -> GatewayPayment?
    /// Cancels a payment that has not succeeded; returns the payment as it is afterwards.
    func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
    /// Refunds a part of it, or the rest; returns the payment as it is afterwards. Throws `refused` when the gateway rejects that permanently, and `keySpent`
    /// for a part only: repeating a refund of the rest is harmless.
    func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment
    /// Captures the whole of a payment that its customer has approved, and returns the payment as it is afterwards, which is declined if the customer's bank declines it.
    /// The gateway captures it at most once. Only for gateways that redirect.
    func captureApproved(_ payment: GatewayPayment) async throws(GatewayError) -> GatewayPayment
    /// Captures an authorized payment, and returns the payment as it is afterwards. Throws `refused` if the gateway rejects that permanently.
    func capture(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment
    /// Creates the gateway's customer for one of ours and returns its id. Repeated calls for one user return one customer for as long as the gateway knows their key.
    func createCustomer(for user: UUID) async throws(GatewayError) -> String
    /// Deletes a customer at the gateway with all payment methods saved there. A customer that no longer exists is not an error.
    func deleteCustomer(_ customer: String) async throws(GatewayError)
    /// Detaches a saved payment method, which can then never be charged again. Detaching an unattached method is not an error.
    func detachMethod(_ method: String) async throws(GatewayError)
    /// A page of the payments made in the period, its end excluded, newest first; nil where the gateway has no such list.
    /// - Parameter position: Where the previous page ended; nil for the first page.
    func payments(madeIn period: Range<Date>, after position: String?) async throws(GatewayError) -> GatewayPage?
    /// A page of what has happened, oldest first; nil where the gateway keeps no list of events. Throws `refused` for a position that it has forgotten.
    /// - Parameter onProgress: Called between calls to the gateway.
    func events(from start: EventStart, onProgress: () async throws(GatewayError) -> Void) async throws(GatewayError) -> GatewayEventPage?
}

/// Defaults for gateways that cannot capture later, do not redirect, save no methods, or have no lists.
extension PaymentGateway {
    public func retrieve(ofEvent intent: String) async throws(GatewayError) -> GatewayPayment? { try await retrieve(intent: intent) }
    public func capture(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        throw .refused("the gateway \(name.rawValue) captures payments at once")
    }
    public func payments(madeIn period: Range<Date>, after position: String?) async throws(GatewayError) -> GatewayPage? { nil }
    public func events(from start: EventStart, onProgress: () async throws(GatewayError) -> Void) async throws(GatewayError) -> GatewayEventPage? { nil }

    public func createCustomer(for user: UUID) async throws(GatewayError) -> String { throw .refused("\(name.rawValue) saves no payment methods") }
    public func deleteCustomer(_ customer: String) async throws(GatewayError) { throw .refused("\(name.rawValue) saves no payment methods") }
    public func detachMethod(_ method: String) async throws(GatewayError) { throw .refused("\(name.rawValue) saves no payment methods") }

    public func captureApproved(_ payment: GatewayPayment) async throws(GatewayError) -> GatewayPayment {
        throw .refused("\(name.rawValue) captures its payments itself")
    }
}
