import AMQP
import FoundationEssentials
import PostgreSQL
import Runtime
import Secrets

/// Republishes from its inbox what a service has sent before: for a broker that has lost its disk.
///
/// Every message keeps its id, so a receiver that already has it drops it. Replies to requesters are left out: the requesters have stopped waiting.
public struct InboxRepublisher: Sendable {
    /// Rows read and published at once.
    static let pageSize = 200

    /// The result of a run.
    public struct Report: Sendable, Equatable {
        public var handled = 0
        public var sent = 0
        /// Not confirmed by the broker: run it again.
        public var lost = 0
    }

    let database: any Database
    let publisher: any MessagePublisher
    let clock: any WallClock

    public init(database: any Database, publisher: any MessagePublisher, clock: any WallClock) {
        self.database = database
        self.publisher = publisher
        self.clock = clock
    }

    /// Republishes the outputs of everything handled since then, oldest first. Throws `PostgresError`.
    public func republish(since start: Date) async throws -> Report {
        var report = Report()
        var after: (at: Date, id: UUID) = (start, .zero)
        while true {
            let page = try await page(after: after)
            guard let last = page.last else { return report }
            after = (last.at, last.id)
            let publications = page.flatMap { row in
                row.outgoing.messages.enumerated().compactMap { index, message in
                    guard !message.isAnswer else { return nil as Publication? }
                    let input = Request(id: row.id, operation: "")
                    return message.publication(at: index, of: input, recorded: row.recorded, now: clock.now())
                }
            }
            report.handled += page.count
            let outcomes = publications.isEmpty ? [] : await publisher.publish(publications)
            for outcome in outcomes {
                if outcome == .confirmed { report.sent += 1 } else { report.lost += 1 }
            }
        }
    }

    private func page(after key: (at: Date, id: UUID)) async throws -> [(id: UUID, at: Date, recorded: Date?, outgoing: OutgoingMessages)] {
        try await database.withConnection { connection in
            try await connection.query(
                """
                SELECT message_id, at, ordered, outputs::text AS outputs FROM inbox
                WHERE at >= \(key.at) AND (at, message_id) > (\(key.at), \(key.id))
                ORDER BY at, message_id LIMIT \(Self.pageSize)
                """
            ).map { row in
                (
                    try row.decode("message_id"), try row.decode("at"), try Inbox.recorded(row), try OutgoingMessages(text: try row.decode("outputs"))
                )
            }
        }
    }
}
