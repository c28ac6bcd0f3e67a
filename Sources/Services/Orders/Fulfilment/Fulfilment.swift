import Contracts
import FoundationEssentials
import Secrets

/// The goods of a confirmed order, as a pure state: what was shipped, delivered and sent back. No I/O and no clock, so that every sequence of requests can be
/// tested.
///
/// ```
/// confirmed ─► partlyShipped ─► shipped ─► delivered
/// a return: requested ─► refused | approved ─► received ─► refunded | writtenOff
/// ```
///
/// Every change names an id or a state, and repeating a change returns the same answer. Of each SKU no more is shipped than was
/// ordered, and no more comes back than was shipped.
struct Fulfilment: Sendable, Hashable, Codable {
    /// Parcels of one order; far more than a warehouse makes of the largest cart.
    static let maximumShipments = 200
    /// Returns of one order, the refused ones included.
    static let maximumReturns = 100

    struct Line: Sendable, Hashable, Codable {
        let sku: String
        let quantity: Int
    }

    struct Shipment: Sendable, Hashable, Codable {
        @PublicID var id: UUID
        let at: Date
        let carrier: String
        let trackingNumber: String
        let trackingUrl: String?
        let lines: [Line]
    }

    private(set) var shipments: [Shipment] = []
    private(set) var deliveredAt: Date?
    var returns: [Return] = []
    /// The refunds that the customer was notified of.
    private(set) var refunds: [UUID] = []
    /// What each of them returned, in minor units, by the refund's id. Nil in rows from versions without it.
    private var refundAmounts: [String: Int]?
    /// The payment's revision in the newest report about the refund of each return, by the refund's id. Nil in rows from versions without it.
    private var refundRevisions: [String: Int]?

    enum State: String, Sendable, CaseIterable {
        case partlyShipped, shipped, delivered
    }

    /// Nil before the first shipment.
    func state(of order: [OrderLine]) -> State? {
        if shipments.isEmpty { return nil }
        if deliveredAt != nil { return .delivered }
        return left(of: order).isEmpty ? .shipped : .partlyShipped
    }

    // MARK: Shipping

    /// The lines that have not been shipped, in the order's sequence.
    func left(of order: [OrderLine]) -> [Line] {
        let shipped = shipped
        return order.map { Line(sku: $0.sku, quantity: $0.quantity - shipped[$0.sku, default: 0]) }.filter { $0.quantity > 0 }
    }

    /// Pieces by SKU.
    var shipped: [String: Int] { Self.sum(shipments.flatMap(\.lines)) }

    /// - Parameter lines: The contents of the parcel; nil for all that is left.
    /// - Returns: The parcel; the one that has this id already, if there is one.
    mutating func ship(_ parcel: NewShipment, id: UUID, of order: [OrderLine], at now: Date) throws(Problem) -> Shipment {
        if let known = shipments.first(where: { $0.id == id }) { return known }
        let left = left(of: order)
        guard !left.isEmpty else { throw .conflict("already-shipped", "All lines of the order have been shipped.") }
        guard shipments.count < Self.maximumShipments else {
            throw .conflict("too-many-shipments", "An order has at most \(Self.maximumShipments) shipments.")
        }
        var lines = left
        if let wanted = parcel.lines {
            lines = try Self.check(wanted, against: left, of: order, "more-than-left") { "\($0) of \($1) are left to be shipped." }
        }
        let shipment = Shipment(
            id: id, at: now, carrier: parcel.carrier, trackingNumber: parcel.trackingNumber, trackingUrl: parcel.trackingUrl, lines: lines)
        shipments.append(shipment)
        return shipment
    }

    /// Returns false when it is known to be delivered already.
    mutating func deliver(_ order: [OrderLine], at now: Date) throws(Problem) -> Bool {
        if deliveredAt != nil { return false }
        guard state(of: order) == .shipped else {
            throw .conflict("not-shipped", "An order is delivered once all its lines have been shipped.")
        }
        deliveredAt = now
        return true
    }

    enum RefundNews: Sendable {
        case nothing
        /// The state of a return's refund has changed.
        case changed
        /// The refund has succeeded for the first time. The customer is notified of that once, even if a bank returns the money later and it is refunded again.
        case paid
    }

    /// Applies a report. The return that it belongs to, if there is one, shows the state of the refund, and has ended once the money was refunded.
    /// - Parameter revision: The payment's revision at the time of the report; reports may arrive in any order.
    mutating func learn(_ refund: RefundReport, revision: Int) -> RefundNews {
        var news = RefundNews.nothing
        if let place = returns.firstIndex(where: { $0.refundID == refund.refundID }), isNew(refund, of: returns[place], revision) {
            refundRevisions = (refundRevisions ?? [:]).merging([refund.refundID.lowerCaseText: revision]) { _, new in new }
            let known = returns[place]
            returns[place].refund = Return.Refund(state: refund.state, amount: Money(amount: refund.amount, currency: known.amount.currency))
            returns[place].state =
                switch (refund.state, refund.settlement) {
                case (.succeeded, _): .refunded
                // The gateway did not make it, and it will not be made any more.
                case (.failed, .writtenOff): .writtenOff
                case (.failed, .refundedElsewhere), (.failed, .nothingLeft): .refunded
                case (.failed, nil), (.pending, _), (.needsOperator, _): .received
                }
            if returns[place] != known { news = .changed }
        }
        guard refund.state == .succeeded, !refunds.contains(refund.refundID) else { return news }
        refunds.append(refund.refundID)
        refundAmounts = (refundAmounts ?? [:]).merging([refund.refundID.lowerCaseText: refund.amount]) { _, new in new }
        return .paid
    }

    /// What the refund has returned; nil where an earlier version did not record it.
    func amount(of refund: UUID) -> Int? { refundAmounts?[refund.lowerCaseText] }

    private func isNew(_ refund: RefundReport, of one: Return, _ revision: Int) -> Bool {
        guard [.received, .refunded, .writtenOff].contains(one.state) else { return false }
        let known = refundRevisions?[refund.refundID.lowerCaseText] ?? 0
        // An operator's decision only ends what has not ended.
        if revision == known, refund.settlement != nil, one.state != .received { return false }
        // A refund may end without a change of the payment: of two reports with the same revision, the one with its end is newer.
        return revision > known || revision == known && (refund.state != .pending || one.refund?.state == .pending)
    }

    // MARK: Erasure

    /// The same without free text that people wrote, and without anything that identifies a parcel's recipient.
    var erased: Fulfilment {
        var erased = self
        erased.shipments = shipments.map {
            Shipment(id: $0.id, at: $0.at, carrier: $0.carrier, trackingNumber: Erased.text, trackingUrl: nil, lines: $0.lines)
        }
        erased.returns = returns.map(\.erased)
        return erased
    }

    // MARK: Lines

    static func sum(_ lines: [Line]) -> [String: Int] {
        Dictionary(lines.map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }

    /// Returns the wanted lines, one for each SKU; throws when a line wants more than is available.
    static func check(
        _ wanted: [Line], against available: [Line], of order: [OrderLine], _ slug: String, _ explain: (Int, String) -> String
    ) throws(Problem) -> [Line] {
        let ordered = Set(order.map(\.sku))
        let there = sum(available)
        var errors: [Problem.FieldError] = []
        for (place, line) in wanted.enumerated() where !ordered.contains(line.sku) {
            errors.append(.init(field: "lines[\(place)].sku", detail: "is not in this order"))
        }
        guard errors.isEmpty else { throw .invalidInput(errors) }
        // Lines of one SKU are summed, so that two of them cannot both be served from the same pieces.
        let sums = sum(wanted)
        for line in order {
            guard let quantity = sums[line.sku], quantity > there[line.sku, default: 0] else { continue }
            throw .conflict(slug, explain(there[line.sku, default: 0], line.sku))
        }
        return order.compactMap { line in sums[line.sku].map { Line(sku: line.sku, quantity: $0) } }
    }
}

extension [Fulfilment.Line] {
    /// For the order's history.
    var text: String { map { "\($0.quantity) × \($0.sku)" }.joined(separator: ", ") }
}
