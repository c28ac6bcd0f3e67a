import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// The messages on the retry ladder that were announced. A row is removed when its message returns to its queue or becomes a dead letter.
enum WaitingStore {
    /// The maximum of rows. Further announcements are ignored until rows have been removed.
    static let maximum = 50_000
    /// Causes in one answer, the most frequent ones.
    static let maximumCauses = 50

    /// Stores announcements. If there are several for one message, the latest attempt counts, regardless of the order in which they arrive.
    static func add(_ messages: [NewWaiting], now: Date, on transaction: any SQLConnection) async throws {
        let latest = Dictionary(messages.map { ($0.id, $0) }) { $0.message.setAsideAt > $1.message.setAsideAt ? $0 : $1 }.values
        let new = latest.filter { $0.message.dueAt > now }.sorted { $0.id < $1.id }
        guard !new.isEmpty else { return }
        // A message with an open letter has died since it was announced.
        try await transaction.execute(
            """
            WITH new AS (\(rows(new)))
            INSERT INTO waiting AS kept (
                id, service, queue, operation, message_id, cause, detail, attempt, since, set_aside_at, due_at, order_id, order_number, cart_id, customer_id,
                trace_id, copy
            )
            SELECT id, service, queue, operation, message_id, cause, detail, attempt, since, set_aside_at, due_at, order_id, order_number, cart_id, customer_id,
                   trace_id, copy
            FROM new
            WHERE NOT EXISTS (SELECT FROM letters WHERE letters.id = new.letter_id AND letters.state = 'open')
              AND (SELECT count(*) FROM (SELECT FROM waiting LIMIT \(maximum)) AS counted) < \(maximum)
            ORDER BY id
            ON CONFLICT (id) DO UPDATE
            SET cause = excluded.cause, detail = excluded.detail, attempt = excluded.attempt, since = least(kept.since, excluded.since),
                set_aside_at = excluded.set_aside_at, due_at = excluded.due_at, copy = coalesce(excluded.copy, kept.copy), sent_at = NULL, is_to_send = false
            WHERE excluded.set_aside_at > kept.set_aside_at
            """)
    }

    private static func rows(_ new: [NewWaiting]) -> SQL {
        """
        SELECT * FROM unnest(
            \(new.map(\.id)), \(new.map(\.letter)), \(new.map(\.service)), \(new.map(\.message.queue.storable)), \(new.map { $0.message.operation?.storable }),
            \(new.map { $0.message.messageID?.storable }), \(new.map(\.message.cause.storable)), \(new.map(\.message.detail.storable)),
            \(new.map { Int32(clamping: $0.message.attempt) }), \(new.map(\.message.since)), \(new.map(\.message.setAsideAt)), \(new.map(\.message.dueAt)),
            \(new.map(\.references.order)), \(new.map(\.references.orderNumber)), \(new.map(\.references.cart)), \(new.map(\.references.customer)),
            \(new.map(\.references.trace)), \(new.map(\.message.copy))
        ) AS new (
            id, letter_id, service, queue, operation, message_id, cause, detail, attempt, since, set_aside_at, due_at, order_id, order_number, cart_id,
            customer_id, trace_id, copy
        )
        """
    }

    /// Removes the messages that have become dead letters.
    static func end(_ letters: [NewLetter], on transaction: any SQLConnection) async throws {
        let ids = letters.compactMap { letter in letter.messageID.map { NewWaiting.id(messageID: $0, queue: letter.queue) } }
        guard !ids.isEmpty else { return }
        try await transaction.enqueue("DELETE FROM waiting WHERE id IN (SELECT id FROM waiting WHERE id = ANY(\(ids)) ORDER BY id FOR UPDATE)")
    }

    /// Removes up to `limit` messages that have returned.
    static func dropReturned(_ limit: Int, now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            DELETE FROM waiting
            WHERE id IN (SELECT id FROM waiting WHERE due_at <= \(now) ORDER BY due_at, id LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            """)
    }

    // MARK: Reading

    static func listing(_ list: ListWaiting, now: Date) -> SQL {
        var sql: SQL = """
            SELECT id, message_id, service, queue, operation, cause, detail, attempt, since, set_aside_at, due_at, copy IS NOT NULL AS is_sendable, sent_at,
                   order_id, order_number, cart_id, customer_id, trace_id
            FROM waiting \(matching(list.filter, now))
            """
        if let after = list.after { sql += " AND (due_at, id) > (\(after.0), \(after.1))" }
        return sql + " ORDER BY due_at, id LIMIT \(list.page.limit + 1)"
    }

    static func counting(_ filter: WaitingFilter, now: Date) -> SQL {
        """
        SELECT service, operation, cause, min(detail) AS text, count(*) AS count, count(sent_at) AS sent, count(DISTINCT order_id) AS orders, min(since) AS since,
               min(due_at) AS next_due_at, max(due_at) AS last_due_at
        FROM waiting \(matching(filter, now))
        GROUP BY service, operation, cause
        ORDER BY count(*) DESC, service, operation, cause
        LIMIT \(maximumCauses)
        """
    }

    private static func matching(_ filter: WaitingFilter, _ now: Date) -> SQL {
        var sql: SQL = "WHERE due_at > \(now)"
        if let id = filter.id { sql += " AND id = \(id)" }
        if let service = filter.service { sql += " AND service = \(service)" }
        if let operation = filter.operation { sql += " AND operation = \(operation)" }
        if let queue = filter.queue { sql += " AND queue = \(queue)" }
        if let cause = filter.cause { sql += " AND cause = \(cause)" }
        if let order = filter.order { sql += " AND order_id = \(order)" }
        return sql
    }

    static func item(_ row: Row) throws -> WaitingItem {
        func id(_ column: String) throws -> String? {
            let id: UUID? = try row.decode(column)
            return id?.lowerCaseText
        }
        return WaitingItem(
            id: try row.decode("id"), messageId: try row.decode("message_id"), service: try row.decode("service"), queue: try row.decode("queue"),
            operation: try row.decode("operation"), cause: try row.decode("cause"), detail: try row.decode("detail"), attempt: try row.decode("attempt"),
            since: try row.decode("since"), setAsideAt: try row.decode("set_aside_at"), dueAt: try row.decode("due_at"),
            isSendable: try row.decode("is_sendable"), sentAt: try row.decode("sent_at"), orderId: try id("order_id"),
            orderNumber: try row.decode("order_number"), cartId: try id("cart_id"), customerId: try id("customer_id"), traceId: try row.decode("trace_id"))
    }

    static func cause(_ row: Row) throws -> WaitingCause {
        WaitingCause(
            service: try row.decode("service"), operation: try row.decode("operation"), cause: try row.decode("cause"), text: try row.decode("text"),
            count: try row.decode("count"), sent: try row.decode("sent"), orders: try row.decode("orders"), since: try row.decode("since"),
            nextDueAt: try row.decode("next_due_at"), lastDueAt: try row.decode("last_due_at"))
    }

    // MARK: Sending

    /// Requests a copy of each matching message, unless a copy was sent since its latest failed attempt. There is one copy for each attempt, so repeated
    /// requests do not multiply messages.
    static func send(_ filter: WaitingFilter, dryRun: Bool, now: Date, on transaction: any SQLConnection) async throws -> WaitingSelection {
        let condition = matching(filter, now) + " AND sent_at IS NULL AND copy IS NOT NULL"
        let chosen: SQL =
            dryRun
            ? "SELECT service, operation, cause, order_id FROM waiting \(condition)"
            : """
            UPDATE waiting SET sent_at = \(now), is_to_send = true
            WHERE id IN (SELECT id FROM waiting \(condition) ORDER BY id FOR UPDATE)
            RETURNING service, operation, cause, order_id
            """
        let rows = try await transaction.query(
            """
            WITH chosen AS (\(chosen))
            SELECT grouping(service) = 1 AS is_total, service, operation, cause, count(*) AS count, count(DISTINCT order_id) AS orders
            FROM chosen GROUP BY GROUPING SETS ((service, operation, cause), ())
            ORDER BY is_total DESC, count(*) DESC, service, operation, cause
            LIMIT \(maximumCauses + 1)
            """)
        let causes = try rows.dropFirst().map { row in
            WaitingSelection.Cause(
                service: try row.decode("service"), operation: try row.decode("operation"), cause: try row.decode("cause"), count: try row.decode("count"))
        }
        return WaitingSelection(selected: try rows.first?.decode("count") ?? 0, orders: try rows.first?.decode("orders") ?? 0, byCause: causes)
    }

    /// Takes the next copies to send, so that no other worker sends them. A lost copy is not sent again, because its original returns as scheduled.
    static func takeCopies(_ limit: Int, now: Date, on transaction: any SQLConnection) async throws -> [EarlyCopy] {
        let rows = try await transaction.query(
            """
            UPDATE waiting SET is_to_send = false
            WHERE id IN (SELECT id FROM waiting WHERE is_to_send AND due_at > \(now) ORDER BY due_at, id LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING copy, operation, queue, due_at
            """)
        return try rows.compactMap { row in
            let operation: String? = try row.decode("operation")
            let copy: [UInt8]? = try row.decode("copy")
            guard let operation, let copy else { return nil }
            return EarlyCopy(copy, operation: operation, queue: try row.decode("queue"), dueAt: try row.decode("due_at"))
        }
    }
}
