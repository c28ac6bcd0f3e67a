import FoundationEssentials
import JSON
import Messaging
import Terminal

/// A message on the retry ladder, as deadletters reports it.
package struct WaitingLine: Decodable, Sendable {
    package let id: String
    package let service: String
    package let queue: String
    package let operation: String?
    package let cause: String
    package let detail: String
    /// Failed attempts.
    package let attempt: Int
    package let since: Date
    /// The time at which the ladder returns it to its queue.
    package let dueAt: Date
    /// True if a copy can be sent now.
    package let isSendable: Bool
    /// The time at which a copy was sent, after the latest failed attempt.
    package let sentAt: Date?
    package let orderId: String?
    package let orderNumber: String?

    package static func columns(at now: Date) -> [Column<WaitingLine>] {
        [
            Column("id") { $0.id }, Column("returns in", isNumber: true, plain: { $0.dueAt.ISO8601Format() }) { $0.dueAt.timeIntervalSince(now).age },
            Column("since", isNumber: true, plain: { $0.since.ISO8601Format() }) { now.timeIntervalSince($0.since).age },
            Column("attempt", isNumber: true) { "\($0.attempt)" }, Column("state") { $0.sentAt == nil ? "waiting" : "sent now" },
            Column("operation") { $0.operation ?? $0.queue }, Column("order") { $0.orderNumber ?? $0.orderId ?? "-" }, Column("cause") { $0.cause },
            Column("detail") { $0.detail },
        ]
    }
}

/// The messages of one operation and cause on the retry ladder.
package struct WaitingCause: Codable, Sendable, Equatable {
    package let service: String
    package let operation: String?
    package let cause: String
    /// An error text of one of them.
    package let text: String
    package let count: Int
    /// The number of messages of which a copy was sent after the latest failed attempt.
    package let sent: Int
    package let orders: Int
    package let since: Date
    package let nextDueAt: Date
    package let lastDueAt: Date

    package static func columns(at now: Date) -> [Column<WaitingCause>] {
        [
            Column("service") { $0.service }, Column("operation") { $0.operation ?? "-" }, Column("cause") { $0.cause },
            Column("waiting", isNumber: true) { "\($0.count)" }, Column("sent now", isNumber: true) { "\($0.sent)" },
            Column("orders", isNumber: true) { "\($0.orders)" },
            Column("since", isNumber: true, plain: { $0.since.ISO8601Format() }) { now.timeIntervalSince($0.since).age },
            Column("returns in", isNumber: true, plain: { $0.nextDueAt.ISO8601Format() }) { $0.nextDueAt.timeIntervalSince(now).age },
            Column("last in", isNumber: true, plain: { $0.lastDueAt.ISO8601Format() }) { $0.lastDueAt.timeIntervalSince(now).age },
            Column("text") { $0.text },
        ]
    }
}

/// A page of the messages on the retry ladder.
package struct WaitingList: Decodable, Sendable {
    package let items: [WaitingLine]
    package let nextCursor: String?
    /// On the first page only.
    package let causes: [WaitingCause]?
}

/// The messages of which copies are sent.
package struct WaitingSelection: Decodable, Sendable {
    package struct Cause: Decodable, Sendable {
        package let service: String
        package let operation: String?
        package let cause: String
        package let count: Int
    }

    package let selected: Int
    package let orders: Int
    package let byCause: [Cause]
}

extension OperatorRequests {
    /// Sends the messages that the filter selects now. A dry run only returns the selection.
    /// - Throws: ``Refusal``
    package func sendWaiting(_ filter: [String: String], dryRun: Bool) async throws -> WaitingSelection {
        var members: [String: JSONValue] = ["filter": .object(filter.mapValues { .string($0) })]
        if dryRun { members["dryRun"] = true }
        return try JSON.decode(WaitingSelection.self, from: try await accepted("deadletters.waiting.send", .durable, [:], try JSON.encode(members)).body)
    }
}
