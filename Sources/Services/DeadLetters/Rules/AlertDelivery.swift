import Messaging
import PostgreSQL

/// The operations that deliver alerts. The webhook and the command each have their own, so that a failure of one does not repeat the other.
enum AlertDelivery {
    typealias Item = (item: IncomingMessage<DeadLetterAlert>, plan: DeadLetterAlert)

    /// - Parameter deliver: Returns nil for each alert that arrived. A failure climbs the retry ladder, like that of any message.
    static func operation(_ name: String, _ deliver: @escaping @Sendable ([Item]) async -> [Failure?]) -> Operation {
        .external(
            name, reading: Operation.contract(DeadLetterAlert.self), prepare: { items, _ in items.map(\.input) }, perform: { await deliver($0) },
            complete: { items, _ in items.map { $0.result.map(Outcome.failed) ?? .done() } })
    }
}
