import IOThreads
import Logging
import ServiceLifecycle

/// Keeps one connection open for its owner, until shutdown: connects, waits for the connection's end and for the back-off, connects again.
struct ConnectionSupervisor {
    let configuration: AMQPConfiguration
    let owner: any ConnectionOwner
    /// Nil: the connection makes a thread of its own.
    let thread: IOThread?
    let logger: Logger

    /// How long to wait after a cluster has lost a node: until a quorum queue has a new leader. RabbitMQ refuses everything that is published to the queue on
    /// a channel that was used before that, for as long as the old leader's node is away.
    private static let election: Duration = .seconds(1)
    private var electionPause: Duration { configuration.nodes.count > 1 ? Self.election : .zero }

    /// - Throws: ``AMQPError`` when the very first connection fails for a reason that waiting does not fix.
    func run() async throws {
        defer { owner.end() }
        let thread = try thread ?? Self.newThread()
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await keepConnected(on: thread)
            } onGracefulShutdown: {
                owner.stop(immediately: false)
            }
        } onCancel: {
            owner.stop(immediately: true)
        }
    }

    private static func newThread() throws(AMQPError) -> IOThread {
        do throws(IOThreadError) {
            return try IOThread(named: "amqp-io")
        } catch {
            throw AMQPError(.resources, "no thread for the broker connection: \(error.message)", isTransient: true)
        }
    }

    private func keepConnected(on thread: IOThread) async throws {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(3))
        var random = SystemRandomNumberGenerator()
        var hasConnected = false
        var lost: BrokerAddress?
        while !owner.isStopping {
            let connection = AMQPConnection(configuration, on: thread, for: owner)
            let failure: AMQPError
            var wasOpen = false
            do throws(AMQPError) {
                try await connection.open(lost: lost)
                (hasConnected, wasOpen) = (true, true)
                lost = await connection.address
                logger.info("connected to the broker", metadata: [LogKey.broker: "\(configuration)", LogKey.node: "\(lost.map { "\($0)" } ?? "")"])
                let since = ContinuousClock.now
                guard case .lost(let error) = await connection.untilEnd() else { return }
                backoff.ended(after: .now - since)
                failure = error
            } catch {
                guard hasConnected || error.isTransient else { throw error }
                failure = error
            }
            guard !owner.isStopping else { return }
            let delay = max(backoff.next(using: &random), wasOpen ? electionPause : .zero)
            // A missing topology or permission returns only when an operator restores it: the log must show that.
            let needsOperator = !failure.isTransient || failure.code == .notFound
            logger.log(level: needsOperator ? .error : .info, needsOperator ? "the broker refuses, trying again" : "no connection to the broker, trying again", metadata: [
                LogKey.broker: "\(configuration)", LogKey.reason: "\(failure)", LogKey.delay: "\(delay.milliseconds)",
            ])
            // Ends early, with an error that is ignored, when the service is to stop.
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
        }
    }
}

/// The keys of this module's log metadata.
enum LogKey {
    static let broker = "broker"
    /// Which of the broker's nodes.
    static let node = "broker_node"
    static let reason = "reason"
    /// Milliseconds.
    static let delay = "delay_ms"
}
