import IOThreads

/// The parts of a connection's life in which librabbitmq waits for the broker, each on a thread of its own: a broker that is frozen, or a name server,
/// then delays nothing else on the connection's thread. At most one of them is under way for a connection.
enum ConnectionOpening {
    /// Hands a connection from one thread to the next.
    ///
    /// Unchecked because ``ConnectionHandle`` is not Sendable: who gives it away does not touch it again.
    struct Handover: @unchecked Sendable {
        let handle: ConnectionHandle
    }

    /// A connection that is open, with what its owner needs declared.
    static func open(_ configuration: AMQPConfiguration, for owner: any ConnectionOwner) async throws(AMQPError) -> Handover {
        let result: Result<Handover, AMQPError> = await withCheckedContinuation { continuation in
            let hasStarted = startThread(named: "amqp-connect") {
                continuation.resume(returning: connect(configuration, for: owner))
            }
            if !hasStarted { continuation.resume(returning: .failure(noThread)) }
        }
        return try result.get()
    }

    private static func connect(_ configuration: AMQPConfiguration, for owner: any ConnectionOwner) -> Result<Handover, AMQPError> {
        do throws(AMQPError) {
            let handle = try ConnectionHandle(tls: configuration.tls)
            do throws(AMQPError) {
                try handle.open(configuration)
                try owner.prepare(handle)
            } catch {
                if error.leavesConnection { handle.close(within: configuration.closeTimeout) }
                throw error
            }
            return .success(Handover(handle: handle))
        } catch {
            return .failure(error)
        }
    }

    /// Says good-bye and calls `completion`, on another thread.
    static func close(_ handover: Handover, within timeout: Duration, completion: @escaping @Sendable () -> Void) {
        let hasStarted = startThread(named: "amqp-close") {
            handover.handle.close(within: timeout)
            completion()
        }
        if !hasStarted { completion() }
    }

    private static let noThread = AMQPError(.resources, "no thread to open the broker connection on", isTransient: true)
}

extension AMQPError {
    /// Whether the connection itself is well, so that there is somebody to say good-bye to.
    var leavesConnection: Bool { [.notFound, .accessRefused, .closedByBroker].contains(code) }
}
