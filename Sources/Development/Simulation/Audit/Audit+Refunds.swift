import FoundationEssentials

extension Audit {
    /// The ledger of refunds agrees with the gateway, and no order is refunded more than was paid for it.
    var refunds: [String] {
        var found: [String] = []
        if books.pendingRefunds > 0 { found.append("\(books.pendingRefunds) refunds never ended") }
        for (order, refunds) in Dictionary(grouping: books.refunds, by: \.order).sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            guard let first = refunds.first else { continue }
            let made = refunds.filter { $0.state == "succeeded" }
            let sum = made.reduce(0) { $0 + $1.amount }
            if sum > first.captured { found.append("order \(order) has refunds of \(sum), and \(first.captured) was captured") }
            let ours = made.compactMap(\.gatewayID).sorted()
            let theirs = intents.filter { $0.id == first.intent }.flatMap(\.refunds).filter { $0.status == "succeeded" }.map(\.id).sorted()
            if ours != theirs, !isUnheard(order) { found.append("order \(order): the ledger has the refunds \(ours), and the gateway has \(theirs)") }
        }
        return found
    }

    /// Whether a dead letter is an event about the order's payment.
    func isUnheard(_ order: UUID) -> Bool {
        deadLetters.contains { letter in intents.contains { $0.id == letter.intent && $0.order == order } }
    }

    /// True if a dead letter may hold back a report to the order about its payment until an operator replays it: orders could not handle the report, or payments could not
    /// send it.
    func isUnreported(_ order: UUID) -> Bool {
        deadLetters.contains { $0.order == order && Self.excusedCauses.contains($0.cause) && ($0.origin.hasPrefix("orders.") || $0.origin.hasPrefix("payments.")) }
    }

    /// Whether a dead letter stands for a refund that an operator has to decide, or had to: the gateway may have made it since, or all of the payment was returned.
    func standsForRefund(_ letter: DeadLetter) -> Bool {
        letter.cause == "refund-refused" && books.refunds.contains { $0.order == letter.order }
    }

    /// Whether the bank has ended the authorization of the order's payment, so that nothing pays for the goods.
    func hasLapsed(_ order: UUID) -> Bool { intents.contains { $0.order == order && $0.hasLapsed } }

    /// Whether a dead letter requests the capture of the order's payment, until an operator replays it.
    func awaitsCapture(_ order: UUID) -> Bool {
        deadLetters.contains { $0.order == order && $0.origin.hasPrefix("payments") } && intents.contains { $0.order == order && $0.status == .requiresCapture }
    }

    func standsForLapse(_ letter: DeadLetter) -> Bool {
        (letter.cause == "authorization-ended" || letter.cause == "capture-refused") && letter.order.map(hasLapsed) ?? false
    }
}
