/// The headers that say why a message died: Wharf's own, which its workers write, and the broker's.
enum DeathHeader {
    static let attempt = "attempt"
    static let failures = "failures"
    static let origin = "origin"
    static let cause = "cause"
    /// The order that the message is about, for logs.
    static let order = "order"

    /// An array of tables, the newest first.
    static let deaths = "x-death"
    /// Since RabbitMQ 3.13.
    static let lastReason = "x-last-death-reason"
    static let lastQueue = "x-last-death-queue"

    /// Headers in which the broker counts the deliveries of one message.
    static let deliveryCounts: Set<String> = ["x-delivery-count", "x-acquired-count"]
}
