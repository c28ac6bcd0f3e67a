import Contracts
import FoundationEssentials

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

    /// Returns true once for each refund, when it has succeeded; its return, if it belongs to one, has ended then.
    mutating func learn(_ refund: RefundReport) -> Bool {
        guard refund.state == .succeeded, !refunds.contains(refund.refundID) else { return false }
        refunds.append(refund.refundID)
        // Also one that was written off, if its money goes back after all.
        if let place = returns.firstIndex(where: { $0.refundID == refund.refundID && ($0.state == .received || $0.state == .writtenOff) }) {
            returns[place].state = .refunded
        }
        return true
    }

    /// A refund that the gateway has not made, and that nobody makes any more, ends its return as well. Returns whether it has.
    mutating func learn(settled refund: RefundReport) -> Bool {
        guard refund.state == .failed, let settlement = refund.settlement else { return false }
        guard let place = returns.firstIndex(where: { $0.refundID == refund.refundID && $0.state == .received }) else { return false }
        returns[place].state = settlement == .writtenOff ? .writtenOff : .refunded
        return true
    }

    /// Whether a return ends with it.
    func awaits(_ refund: RefundReport) -> Bool {
        returns.contains { $0.refundID == refund.refundID && $0.state == .received }
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
