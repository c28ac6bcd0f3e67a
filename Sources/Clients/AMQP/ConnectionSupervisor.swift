import IOThreads
import Instruments
import Logging
import Metrics
import ServiceLifecycle

/// Keeps one connection open for its owner, until shutdown: connects, waits for the connection's end and for the back-off, connects again.
struct ConnectionSupervisor {
    let configuration: AMQPConfiguration
    /// Provides the configuration for each new connection; nil to keep `configuration`.
    let renewing: (@Sendable () -> AMQPConfiguration?)?
    let owner: any ConnectionOwner
    /// Nil: the connection makes a thread of its own.
    let thread: IOThread?
    let logger: Logger

    /// How long to wait after a cluster has lost a node: until a quorum queue has a new leader. RabbitMQ refuses everything that is published to the queue on
    /// a channel that was used before that, for as long as the old leader's node is away.
    private static let election: Duration = .seconds(1)
    /// Before a connection is opened again at once: publications that are refused, one after the other, open no more than a hundred connections a second.
    private static let pause: Duration = .milliseconds(10)
    private var delayAfterLoss: Duration { configuration.nodes.count > 1 ? Self.election : .zero }

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
        var hasConnected = false
        let opened = Instrument.brokerOpened.counter(configuration.purpose)
        let lost = Instrument.brokerLost.counter(configuration.purpose)
        var timeouts = ConnectTimeouts(first: configuration.connectTimeout)
        while !owner.isStopping {
            var configuration = configuration
            if let renewed = renewing?() { (configuration.user, configuration.password) = (renewed.user, renewed.password) }
            configuration.connectTimeout = timeouts.current
            let connection = AMQPConnection(configuration, on: thread, for: owner)
            let failure: AMQPError
            var wasOpen = false
            do throws(AMQPError) {
                try await connection.open()
                (hasConnected, wasOpen) = (true, true)
                timeouts.succeeded()
                opened.increment()
                let address = await connection.address
                logger.info("connected to the broker", metadata: [LogKey.broker: "\(configuration)", LogKey.node: "\(address.map { "\($0)" } ?? "")"])
                let since = ContinuousClock.now
                guard case .lost(let error) = await connection.untilEnd() else { return }
                lost.increment()
                backoff.ended(after: .now - since)
                if let address, error.code == .connectionLost { LostAddresses.ofProcess.add(address) }
                failure = error
            } catch {
                guard hasConnected || error.isTransient || owner.isStopping else { throw error }
                timeouts.failed()
                failure = error
            }
            guard !owner.isStopping else { return }
            let delay = wasOpen && owner.goesOn(after: failure) ? Self.pause : max(backoff.next(), wasOpen ? delayAfterLoss : .zero)
            // What a topology or a permission takes away comes back when somebody gives it back: that has to be seen.
            let needsOperator = !failure.isTransient || failure.code == .notFound
            logger.log(
                level: needsOperator ? .error : .info, needsOperator ? "the broker refuses, trying again" : "no connection to the broker, trying again",
                metadata: [
                    LogKey.broker: "\(configuration)", LogKey.reason: "\(failure)", LogKey.delay: "\(delay.milliseconds)",
                ])
            // Ends early, with an error that is ignored, when the service is to stop.
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
        }
    }
}

/// How long each node may take to let a connection in: longer each time that none has. Where all of them are slow, because their machine is busy, an attempt that
/// is given up early only gives them more to do.
struct ConnectTimeouts {
    static let largestFactor = 4

    let first: Duration
    private var factor = 1

    init(first: Duration) {
        self.first = first
    }

    var current: Duration { first * factor }

    mutating func failed() { factor = min(factor * 2, Self.largestFactor) }

    mutating func succeeded() { factor = 1 }
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
