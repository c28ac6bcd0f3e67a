/// What the broker sent unasked.
enum ConnectionEvent: Sendable {
    case delivery(Delivery)
    /// Up to and including `number` when `multiple`; `accepted` distinguishes an ack from a nack.
    case confirm(number: UInt64, multiple: Bool, accepted: Bool)
    case returned(ReturnedMessage)
    /// The broker accepts no publications until `unblocked`.
    case blocked
    case unblocked
}

/// How writing went in one turn.
enum WriteProgress: Sendable, Equatable {
    /// Nothing is left to write for now.
    case idle
    /// Something is left, which is written at this time at the latest.
    case waiting(until: ContinuousClock.Instant)
    /// More is to be written as soon as the socket accepts it.
    case more
    /// Nothing is left, and the owner wants the connection closed.
    case finished
}

/// The publisher or consumer that a connection works for.
///
/// What follows the first part is called on the connection's thread, up to the last part. None of it may block.
protocol ConnectionOwner: AnyObject, Sendable {
    /// Declares on the new channel what the owner needs. Called on a thread that waits only for the broker's answers.
    func prepare(_ channel: ConnectionHandle) throws(AMQPError)

    /// The connection is ready: from now on it takes turns.
    func attach(_ connection: isolated AMQPConnection)

    /// Whether more can be taken in. Otherwise the broker is left waiting; `wake()` the connection when this changes.
    var wantsEvents: Bool { get }

    /// Everything that one round of reading brought, in the order of its arrival; never empty.
    func receive(_ events: [ConnectionEvent])

    /// Writes what is due, up to the owner's bound for one turn. After an error the connection is lost.
    func write(on channel: ConnectionHandle) throws(AMQPError) -> WriteProgress

    /// The connection is over. `error` is `nil` when it was closed as wanted.
    func detach(_ error: AMQPError?)

    // MARK: Called on any thread

    /// Finish what is under way and then ask for the close of the connection; `immediately`: ask now.
    func stop(immediately: Bool)

    /// Whether ``stop(immediately:)`` has been called.
    var isStopping: Bool { get }

    /// Whether the connection can be opened again at once: what ended it is not done again.
    func goesOn(after error: AMQPError) -> Bool

    /// There will be no further connection: waiting callers must get an error.
    func end()
}

extension ConnectionOwner {
    func goesOn(after error: AMQPError) -> Bool { false }
}
