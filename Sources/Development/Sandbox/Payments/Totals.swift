import JSON

/// Sums over all payments, kept as they change. Amounts of all currencies are added as they are, in smallest units.
struct Totals: Sendable, Equatable {
    /// How many orders are listed by name; `ordersCapturedMoreThanOnceCount` counts them all.
    static let maximumOrdersListed = 1_000

    private(set) var intents = 0
    private(set) var succeeded = 0
    private(set) var capturedAmount = 0
    private(set) var refundedAmount = 0
    /// The `metadata[order_id]` of every order that was charged more than once: what must never happen.
    private(set) var ordersCapturedMoreThanOnce: [String] = []
    private var capturesByOrder: [String: Int] = [:]

    mutating func count(from old: PaymentIntent?, to new: PaymentIntent) {
        if old == nil { intents += 1 }
        capturedAmount += new.amountReceived - (old?.amountReceived ?? 0)
        refundedAmount += new.amountRefunded - (old?.amountRefunded ?? 0)
        guard new.status == .succeeded, old?.status != .succeeded else { return }
        succeeded += 1
        guard let order = new.orderID else { return }
        capturesByOrder[order, default: 0] += 1
        if capturesByOrder[order] == 2 { ordersCapturedMoreThanOnce.append(order) }
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writeFields(to: &$0) }
    }

    func writeFields(to writer: inout JSONWriter) {
        writer.field("intents", intents)
        writer.field("succeeded", succeeded)
        writer.field("capturedAmount", capturedAmount)
        writer.field("refundedAmount", refundedAmount)
        writer.field("ordersCapturedMoreThanOnceCount", ordersCapturedMoreThanOnce.count)
        writer.field("ordersCapturedMoreThanOnce") { writer in
            writer.array(ordersCapturedMoreThanOnce.prefix(Self.maximumOrdersListed)) { $0.value($1) }
        }
    }
}
