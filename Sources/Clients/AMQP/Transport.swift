/// Sends messages to a broker. Implemented by ``Publisher`` over a connection, and by brokers in memory.
public protocol MessagePublisher: Sendable {
    /// Sends all in one flush; the outcome at index i belongs to publication i.
    ///
    /// Returns at the latest when `deadline`, counted from now, is over. Cancelling the calling task does not end the wait early:
    /// what was sent is sent, and its outcome matters to the one that acknowledges its cause.
    /// Publications reach the broker in the order in which they were given. One of them may reach it twice, when the broker closes the channel because it refuses
    /// another that is on its way at the same time: only the one that it refuses fails.
    func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome]

    /// Whether the broker has reported that it accepts no publications for now. A publication then waits until its deadline.
    var isBlocked: Bool { get }

    /// Whether there is a connection. Without one a publication waits for it until its deadline.
    var isConnected: Bool { get }
}

extension MessagePublisher {
    /// `publish` with a deadline of ten seconds.
    public func publish(_ publications: [Publication]) async -> [PublishOutcome] {
        await publish(publications, deadline: .seconds(10))
    }
}

/// Takes messages from one queue. Implemented by ``Consumer`` over a connection, and by brokers in memory.
public protocol MessageConsumer: Sendable {
    /// At least one delivery and at most `limit` (at least 1): all that has gathered. Suspends until there is one.
    ///
    /// - Throws: `CancellationError` when its task is cancelled, an ``AMQPError`` with the code `stopped` when the consumer has been stopped.
    func next(limit: Int) async throws -> [Delivery]

    /// Acknowledges these deliveries. The acknowledgements are written within a tenth of a second, unless the connection is lost before. Tags of an earlier
    /// connection, unknown ones and repeated ones are ignored: the broker delivers those messages again anyway.
    func acknowledge(_ tags: [DeliveryTag]) async

    /// `basic.reject`: a failure, which counts towards a quorum queue's delivery limit. Without `requeue` the message goes to the queue's
    /// dead-letter exchange, or is dropped where there is none.
    func reject(_ tags: [DeliveryTag], requeue: Bool) async

    /// `basic.nack` with requeue: returns messages untried, as when draining.
    func release(_ tags: [DeliveryTag]) async

    /// Hands out no more deliveries. Those already handed out can still be settled; all others are released.
    func stopConsuming() async

    /// The name of the exclusive queue now in force: `nil` for a named queue and while there is no connection.
    var replyAddress: String? { get async }
}
