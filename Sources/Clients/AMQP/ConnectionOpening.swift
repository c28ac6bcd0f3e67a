import IOThreads

/// The parts of a connection's life in which librabbitmq waits for the broker, each on a thread of its own: a frozen broker, or a slow name server,
/// then delays nothing else on the connection's thread. At most one of them is under way for a connection.
enum ConnectionOpening {
    /// Hands a connection from one thread to the next.
    ///
    /// Unchecked because ``ConnectionHandle`` is not Sendable: the thread that gives it away does not touch it again.
    struct Handover: @unchecked Sendable {
        let handle: ConnectionHandle
        let address: BrokerAddress
    }

    /// A connection that is open, with what its owner needs declared, to the first address that can be used.
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
        var failure = AMQPError.stopped("connection")
        let addresses = BrokerAddresses(of: configuration.nodes, lost: LostAddresses.ofProcess.current()) { node in
            BrokerAddress.resolve(node, within: configuration.lookupTimeout, keepsName: configuration.tls != nil)
        }
        for address in addresses {
            guard !owner.isStopping else { break }
            do throws(AMQPError) {
                return .success(try connect(configuration, at: try address.get(), for: owner))
            } catch {
                failure = error
                // An error that every node would return.
                guard error.isThisNodesAlone else { break }
            }
        }
        return .failure(failure)
    }

    private static func connect(
        _ configuration: AMQPConfiguration, at address: BrokerAddress, for owner: any ConnectionOwner
    ) throws(AMQPError) -> Handover {
        do throws(AMQPError) {
            let handle = try openHandle(configuration, at: address, for: owner)
            LostAddresses.ofProcess.remove(address)
            return Handover(handle: handle, address: address)
        } catch {
            if error.isThisNodesAlone { LostAddresses.ofProcess.add(address) }
            throw error
        }
    }

    private static func openHandle(
        _ configuration: AMQPConfiguration, at address: BrokerAddress, for owner: any ConnectionOwner
    ) throws(AMQPError) -> ConnectionHandle {
        let name = address.host == address.node.host ? nil : address.node.host
        let handle = try ConnectionHandle(tls: configuration.tls, expecting: name)
        do throws(AMQPError) {
            try handle.open(configuration, at: address)
            try owner.prepare(handle)
        } catch {
            if error.leavesConnection { handle.close(within: configuration.closeTimeout) }
            throw error
        }
        return handle
    }

    /// Closes the connection with AMQP's handshake and calls `completion`, on another thread.
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
    /// Whether the connection itself still works, so that it can be closed in an orderly way.
    var leavesConnection: Bool { [.notFound, .accessRefused, .closedByBroker].contains(code) }

    /// Whether another node of the cluster may do better.
    var isThisNodesAlone: Bool { [.unreachable, .tls, .connectionLost].contains(code) || code == .closedByBroker && isTransient }
}
