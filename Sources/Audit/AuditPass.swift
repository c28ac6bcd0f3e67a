import Assembly
import Contracts
import FoundationEssentials
import Messaging
import Notifications
import PostgreSQL
import ShopClient

/// One look at all services, from one set of snapshots.
struct AuditPass: Sendable {
    /// How many orders' part of the gateway's ledger is in memory at once; the ledger is walked through once for each slice of this size.
    static let sliceSize = 100_000
    static let inboxPageSize = 1_000
    static let maximumRepetitions = 1_000
    /// Inboxes discard old rows by the day, each on its own: a row older than this may be gone from one and not from another.
    static let inboxReach = Double(Inbox.retention - 1) * 86_400

    let target: AuditTarget
    let since: Date?
    let snapshots: Snapshots
    let letters: DeadLetterIndex
    let now: Date
    private var tally: AuditTally
    /// How many PayPal payments may still be read.
    private var payPalLeft = PayPalLedger.maximumPayments

    init(_ target: AuditTarget, since: Date?, snapshots: Snapshots, judge: Judge) async throws {
        self.target = target
        self.since = since
        self.snapshots = snapshots
        now = judge.now
        tally = AuditTally(judge)
        letters = try await DeadLetterIndex(on: snapshots[.deadletters])
    }

    /// Reads everything once, in the order of keys, and keeps none of it.
    consuming func run() async throws -> AuditTally {
        try await orders()
        try await repetitions()
        try await stock()
        tally.wait(try await WaitingStore.read(at: now, on: try snapshots[.notifications]))
        for service in ServiceName.allCases { try await messages(of: service) }
        return tally
    }

    // MARK: Orders

    private mutating func orders() async throws {
        let pages = OrderPages(snapshots: snapshots, since: since, letters: letters)
        var after = AuditRange.first
        while true {
            let end = target.ledger == nil ? nil : try await pages.end(ofSliceAfter: after, size: Self.sliceSize)
            let range = AuditRange(after: after, upTo: end ?? AuditRange.last)
            var ledger = LedgerSlice(range)
            try await target.ledger?.walk(since: since) { ledger.add($0) }
            try await orders(range, pages, &ledger)
            guard let end else { return }
            after = end
        }
    }

    private mutating func orders(_ range: AuditRange, _ pages: OrderPages, _ ledger: inout LedgerSlice) async throws {
        var after: UUID? = range.after
        while let start = after {
            let page = try await pages.page(AuditRange(after: start, upTo: range.upTo))
            let payPal = try await payPalPayments(of: page.orders)
            for var order in page.orders {
                order.ledger = payPal[order.id]
                if target.ledger != nil, order.charge?.gateway != .paypal || target.showsPayPal { order.ledger = ledger.take(order.id) }
                tally.check(.deadlines, order.deadlineFindings)
                tally.check(.payments, order.paymentFindings)
                tally.check(.contents, order.contentFindings)
                tally.check(.stock, order.stockFindings)
                tally.check(.notifications, order.notificationFindings)
                tally.wait(order.unansweredNotifications(at: now))
            }
            tally.note(page.strangers.findings)
            after = page.next
        }
        // With a start in time older orders were not read, so their rows are left over.
        if since == nil { tally.note(ledger.payments.values.flatMap(\.self).compactMap(\.findingWithoutOrder)) }
    }

    /// PayPal's payments for these orders, up to the limit of one pass.
    private mutating func payPalPayments(of orders: [AuditedOrder]) async throws -> [UUID: [LedgerPayment]] {
        let paid = orders.filter { $0.charge?.gateway == .paypal && $0.charge?.intent != nil }
        guard let payPal = target.payPal, !paid.isEmpty else { return [:] }
        let read = Array(paid.prefix(payPalLeft))
        payPalLeft -= read.count
        tally.compare(payPal: read.count, of: paid.count)
        return try await payPal.payments(of: read)
    }

    private mutating func repetitions() async throws {
        for kind in [Repetition.Kind.number, .cart] {
            let column = kind == .number ? "number" : "cart_id"
            // The cart of an order that was given up may be ordered again.
            let counted: SQL = kind == .number ? "true" : "NOT cart_reopened"
            let rows = try await snapshots[.orders].query(
                """
                SELECT \(raw: column)::text AS value, (array_agg(id::text ORDER BY id))[1:10] AS orders
                FROM orders WHERE \(counted) GROUP BY \(raw: column) HAVING count(*) > 1 ORDER BY 1 LIMIT \(Self.maximumRepetitions)
                """)
            tally.note(try rows.map { try Repetition(kind: kind, value: $0.decode("value"), orders: $0.decode("orders")).finding })
        }
    }

    // MARK: Stock

    private mutating func stock() async throws {
        var tally = self.tally
        try await StockPages(catalog: try snapshots[.catalog]).forEach { tally.check(.stock, $0.findings) }
        self.tally = tally
    }

    // MARK: Messages

    private mutating func messages(of sender: ServiceName) async throws {
        let rule = MessageRule(definitions: target.definitions)
        let start = max(since ?? .distantPast, now.addingTimeInterval(-Self.inboxReach))
        var position: InboxTrail.Position?
        repeat {
            let page = try await InboxTrail.page(after: position, since: start, limit: Self.inboxPageSize, on: try snapshots[sender])
            var expected: [ServiceName: [InboxTrail.Sent]] = [:]
            for message in page.sent {
                guard let receivers = rule.receivers(of: message) else { continue }
                tally.check(.messages, receivers.isEmpty ? [rule.unroutable(message, from: sender)] : [])
                for receiver in receivers { expected[receiver, default: []].append(message) }
            }
            for (receiver, messages) in expected {
                let handled = try await InboxTrail.handled(messages.map(\.id), on: try snapshots[receiver])
                let missing = messages.filter { !handled.contains($0.id) }
                tally.note(missing.compactMap { rule.missing($0, from: sender, at: receiver, letter: letters.letters[$0.id]) })
            }
            position = page.next
        } while position != nil
    }
}

extension OrderPages.Strangers {
    fileprivate var findings: [Finding] {
        charges.filter { !$0.isTombstone }.map {
            Finding(.payments, "order \($0.order.text)", "there is a charge of \($0.amount.text) for order \($0.order.text), which does not exist", unchangedSince: $0.updatedAt)
        }
            + reservations.filter(\.holdsStock).map {
                Finding(.stock, "order \($0.order.text)", "stock is \($0.state) for order \($0.order.text), which does not exist", unchangedSince: $0.at)
            }
            + notifications.map {
                Finding(.notifications, "order \($0.order.text)", "\($0.kind) was sent for order \($0.order.text), which does not exist", unchangedSince: $0.createdAt)
            }
    }
}

extension LedgerPayment {
    fileprivate var findingWithoutOrder: Finding? {
        guard kept != 0, let order else { return nil }
        return Finding(
            .payments, "order \(order.text)", "the gateway keeps \(money(kept)) (\(id)) for order \(order.text), which does not exist",
            unchangedSince: createdAt ?? .distantPast)
    }
}
