import CRabbitMQ

/// Owns librabbitmq's connection and its one channel; closes the socket and frees everything in its deinit.
///
/// Not Sendable: one thread at a time has it. A thread of its own opens it (``ConnectionOpening``), the ``AMQPConnection``'s thread uses it, another
/// closes it in an orderly way. Its memory may be freed on any thread, because nothing else refers to it by then.
final class ConnectionHandle {
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    private let arena = Arena()
    private let socket: OpaquePointer
    private let isTLS: Bool

    /// - Parameter name: the name that the certificate must prove, where the connection goes to an address instead of a name.
    init(tls: AMQPConfiguration.TLS?, expecting name: String? = nil) throws(AMQPError) {
        guard let state = amqp_new_connection() else { throw Self.outOfMemory }
        guard let socket = tls == nil ? amqp_tcp_socket_new(state) : amqp_ssl_socket_new(state) else {
            amqp_destroy_connection(state)
            throw Self.outOfMemory
        }
        self.state = state
        self.socket = socket
        self.isTLS = tls != nil
        guard let tls else { return }
        amqp_ssl_socket_set_verify_peer(socket, tls.verify ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.verify && name == nil ? 1 : 0)
        if tls.verify, let name, crabbitmq_expect_host(socket, name) != 1 { throw Self.outOfMemory }
        amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        if tls.verify, amqp_ssl_socket_set_cacert(socket, tls.caFile) != AMQP_STATUS_OK.rawValue {
            throw AMQPError(.configuration, "the CA file \(tls.caFile) cannot be read as PEM certificates", isTransient: false)
        }
    }

    deinit {
        amqp_destroy_connection(state)
    }

    /// Connects, shakes hands, logs in and opens the channel. Blocks the thread for up to twice the configuration's `connectTimeout`; an address that is a name
    /// has just been looked up, and is looked up again.
    func open(_ configuration: AMQPConfiguration, at address: BrokerAddress) throws(AMQPError) {
        defer { arena.recycle() }
        var connectTimeout = timeval(configuration.boundedConnectTimeout)
        amqp_set_handshake_timeout(state, &connectTimeout)
        setRPCTimeout(configuration.rpcTimeout)
        let status = amqp_socket_open_noblock(socket, address.host, Int32(address.node.port), &connectTimeout)
        guard status == AMQP_STATUS_OK.rawValue else { throw openFailure(status, address) }

        let userTimeout = configuration.tcpUserTimeout.held(to: .milliseconds(100), .seconds(60))
        crabbitmq_set_user_timeout(amqp_get_sockfd(state), UInt32(userTimeout.milliseconds))
        let heartbeat = configuration.heartbeat.held(to: .seconds(1), .seconds(600))
        var properties = arena.table(Self.clientProperties(configuration))
        let reply = crabbitmq_login(
            state, configuration.virtualHost, Self.channelMax, Self.frameMax, Int32(heartbeat.components.seconds),
            &properties, configuration.user, configuration.password
        )
        if let error = failure(in: reply, during: "login to \(address) as \(configuration.user)") { throw error }
        let frameMax = amqp_get_frame_max(state)
        guard frameMax >= Self.frameMax else {
            throw AMQPError(.configuration, "the broker's frame_max is \(frameMax), at least \(Self.frameMax) is needed", isTransient: false)
        }
        amqp_channel_open(state, Self.channel)
        try check("channel.open")
    }

    /// Closes the connection with AMQP's handshake, so that the broker logs no lost connection. Blocks the thread for `timeout` at most.
    func close(within timeout: Duration) {
        setRPCTimeout(timeout)
        amqp_connection_close(state, Int32(AMQP_REPLY_SUCCESS))
    }

    /// librabbitmq's connection, with allocated memory released once `body` has returned.
    func withChannel<Result>(
        _ body: (_ state: amqp_connection_state_t, _ arena: Arena) throws(AMQPError) -> Result
    ) throws(AMQPError) -> Result {
        defer { arena.recycle() }
        return try body(state, arena)
    }

    /// Throws what the broker, or the library, said to the last request.
    func check(_ action: String) throws(AMQPError) {
        if let error = failure(in: amqp_get_rpc_reply(state), during: action) { throw error }
        amqp_maybe_release_buffers(state)
    }

    /// Throws for a negative status, which leaves the connection unusable.
    func check(_ status: Int32, _ action: String) throws(AMQPError) {
        guard status < 0 else { return }
        throw .connectionLost("\(action): \(String(cString: amqp_error_string2(status)))")
    }

    /// Without the first two capabilities a consumer whose queue is deleted never hears of it, and an alarm goes unnoticed.
    private static func clientProperties(_ configuration: AMQPConfiguration) -> [String: FieldValue] {
        [
            "product": "wharf",
            "connection_name": .string(configuration.connectionName),
            "capabilities": .table([
                "consumer_cancel_notify": true,
                "connection.blocked": true,
                "authentication_failure_close": true,
                "publisher_confirms": true,
                "basic.nack": true,
            ]),
        ]
    }

    /// One channel a connection: librabbitmq's waits discard other channels' frames.
    private static let channelMax: Int32 = 1
    /// RabbitMQ's own default: the largest frame in either direction, in bytes. `PublicationLimits.propertiesBytes` relies on it.
    private static let frameMax: Int32 = 131_072

    /// Bounds each answer to a request from now on.
    func setRPCTimeout(_ timeout: Duration) {
        var timeout = timeval(timeout.held(to: .milliseconds(100), .seconds(60)))
        amqp_set_rpc_timeout(state, &timeout)
    }

    private func failure(in reply: amqp_rpc_reply_t, during action: String) -> AMQPError? {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL:
            return nil
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            return AMQPError(closing: reply.reply) ?? .connectionLost("unexpected answer to \(action)")
        default:
            let reason = String(cString: amqp_error_string2(reply.library_error))
            return .connectionLost("\(action): \(reason)")
        }
    }

    private func openFailure(_ status: Int32, _ address: BrokerAddress) -> AMQPError {
        let reason = String(cString: amqp_error_string2(status))
        // TLS failures are numbered from -0x200 down.
        if isTLS, status <= AMQP_STATUS_SSL_ERROR.rawValue {
            return AMQPError(.tls, "no TLS with \(address): \(reason); check its certificate against cacertfile", isTransient: true)
        }
        return AMQPError(.unreachable, "no connection to \(address): \(reason); check that the broker runs there", isTransient: true)
    }

    private static let outOfMemory = AMQPError(.resources, "no memory for a broker connection", isTransient: true)
}

extension AMQPError {
    /// The error in a broker's connection.close or channel.close; `nil` for any other method.
    init?(closing method: amqp_method_t) {
        switch method.id {
        case CRABBITMQ_CONNECTION_CLOSE.rawValue:
            guard let close = method.decoded?.assumingMemoryBound(to: amqp_connection_close_t.self).pointee else { return nil }
            self = .closed(code: Int(close.reply_code), text: String(repairing: close.reply_text))
        case CRABBITMQ_CHANNEL_CLOSE.rawValue:
            guard let close = method.decoded?.assumingMemoryBound(to: amqp_channel_close_t.self).pointee else { return nil }
            self = .closed(code: Int(close.reply_code), text: String(repairing: close.reply_text))
        default:
            return nil
        }
    }
}

extension Duration {
    func held(to lowest: Duration, _ highest: Duration) -> Duration {
        min(max(self, lowest), highest)
    }

    /// Rounded down.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}

extension timeval {
    init(_ duration: Duration) {
        self.init(
            tv_sec: Int(duration.components.seconds),
            tv_usec: Int(duration.components.attoseconds / 1_000_000_000_000)
        )
    }
}
