import Synchronization

/// How often each moment was reached that a sweep over many seeds must reach: a simulation that never reaches the hard cases proves nothing.
public final class Visits: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    public init() {}

    func note(_ moment: String) {
        counts.withLock { $0[moment, default: 0] += 1 }
    }

    public var all: [String: Int] { counts.withLock { $0 } }

    public func merge(_ other: Visits) {
        let added = other.all
        counts.withLock { $0.merge(added) { $0 + $1 } }
    }

    /// The moments that had to be reached, with how often they were.
    public var expected: [(moment: String, count: Int)] {
        let counts = all
        return Moment.all.map { ($0, counts[$0] ?? 0) }
    }
}

/// The moments that a sweep must reach.
enum Moment {
    static let commitUnknownDone = "commit unknown, and committed"
    static let commitUnknownLost = "commit unknown, and rolled back"
    static let knownToInbox = "duplicate dropped by the inbox"
    static let replyRecalled = "reply recalled for a retry"
    static let waitedFor = "checkout answered when its order settled"
    static let lateCharge = "charge carried out after its call was given up"
    static let lateChargeOfVoided = "charge carried out after the payment was voided"
    static let chargeUnheard = "charge reported by neither answer nor webhook"
    static let endlessSearchLag = "charge that the gateway's search never finds"
    static let redrive = "step of a saga repeated"
    static let reorder = "cart of a rejected order ordered again"
    static let keyRepeated = "gateway recalls an idempotency key"
    static let oneByOne = "batch falls back to one by one"
    static let lockWait = "transaction waits for another's lock"
    static let batch = "several messages in one transaction"
    static let doubleCheckout = "one cart checked out twice at once"
    static let retryLadder = "message comes back from the retry ladder"
    static let sentEarly = "copy of a message on the retry ladder sent early"
    static let redelivered = "message redelivered"
    static let brokerRestart = "broker restarted"
    static let databaseAway = "database away"
    static let gatewayAway = "gateway away"
    static let queueFull = "queue full"
    static let refusedForNow = "command refused with 503"
    static let cancelled = "order cancelled by its customer"
    static let cancelledTooLate = "cancellation refused, as a part was shipped"
    static let shippedInPart = "order shipped in part"
    static let shippedTooLate = "shipment refused, as the order was cancelled"
    static let delivered = "order delivered"
    static let returned = "return received"
    static let refund = "refund of a confirmed order"
    static let refundTooMuch = "refund of more than is left"
    static let refundsAtOnce = "two refunds at once"
    static let refundByHand = "refund by hand at the gateway"
    static let refundFailedLate = "refund that fails after it was made"
    static let dispute = "dispute by the customer's bank"

    static let approved = "payment approved at PayPal"
    static let approvedTooLate = "payment approved at PayPal after it was voided"
    static let approvalUnheard = "approval whose webhook never arrives"
    static let leftPayPal = "customer leaves PayPal's page"
    static let reviewCompleted = "capture that PayPal reviews, and completes"
    static let reviewDenied = "capture that PayPal reviews, and denies"
    static let capturedLater = "payment captured at the shipment"
    static let authorizationVoided = "authorization of a cancelled order cancelled"
    static let authorizationEnded = "authorization ended by the bank"

    static let all: [String] =
        SimulatedProcess.Point.allCases.map { "crash \($0.rawValue)" } + [
            commitUnknownDone, commitUnknownLost, knownToInbox, replyRecalled, waitedFor, lateCharge, lateChargeOfVoided, chargeUnheard, endlessSearchLag, redrive,
            reorder, keyRepeated, oneByOne, lockWait, batch, doubleCheckout, retryLadder, sentEarly, redelivered, brokerRestart, databaseAway, gatewayAway,
            queueFull, refusedForNow, refund, refundTooMuch, refundsAtOnce, refundByHand, refundFailedLate, dispute,
            cancelled, cancelledTooLate, shippedInPart, shippedTooLate, delivered, returned,
            approved, approvedTooLate, approvalUnheard, leftPayPal, reviewCompleted, reviewDenied, capturedLater, authorizationVoided, authorizationEnded,
        ] + SagaEdges.reachable.map(SagaEdges.moment)
}
