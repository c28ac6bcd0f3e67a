/// The headers that say why a message is dead: Wharf's own, which its workers write, and the broker's.
enum DeathHeader {
    static let attempt = "attempt"
    static let failures = "failures"
    static let origin = "origin"
    static let cause = "cause"

    /// An array of tables, the newest first.
    static let deaths = "x-death"
    /// From RabbitMQ 3.13 on.
    static let lastReason = "x-last-death-reason"
    static let lastQueue = "x-last-death-queue"

    /// What the broker counts at each delivery of one and the same message.
    static let deliveryCounts: Set<String> = ["x-delivery-count", "x-acquired-count"]
}
