import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// An HTTP/1.1 server with bounds on connections, headers, and the time that a head, a body and an answer may take.
package struct BoundedServer: Sendable {
    /// The answer to input that is not HTTP.
    package typealias Malformed = @Sendable () -> (head: HTTPResponse, body: [UInt8])

    /// Connections that wait to be accepted.
    private static let backlog = 1_024
    /// One thread serves all connections, as in a worker, because more threads would mostly wake each other. Run more processes for more load.
    private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let configuration: IngressConfiguration
    private let malformed: Malformed
    private let logger: Logger

    package init(configuration: IngressConfiguration, malformed: @escaping Malformed, logger: Logger) {
        self.configuration = configuration
        self.malformed = malformed
        self.logger = logger
    }

    /// - Parameter onReady: Called once with the port, when the server accepts requests.
    package func application<Responder: HTTPResponder>(
        _ responder: Responder, onReady: @escaping @Sendable (_ port: Int) -> Void
    ) -> Application<Responder> where Responder.Context == IngressContext {
        Application(
            responder: responder,
            server: HTTPServerBuilder { responder in EventLoopBound(base: HTTP1Channel(responder: responder, configuration: channel)) },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: Self.backlog,
                availableConnectionsDelegate: .maximum(configuration.maximumConnections, logger: logger)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { onReady(port) }
            },
            eventLoopGroupProvider: .shared(Self.eventLoops),
            logger: logger)
    }

    private var channel: HTTP1Channel.Configuration {
        let timeouts = ConnectionTimeouts(
            head: TimeAmount(configuration.headDeadline), body: TimeAmount(configuration.bodyDeadline + configuration.headDeadline),
            upload: TimeAmount(Uploads.deadline + configuration.headDeadline), usualBytes: configuration.maximumBodyBytes,
            response: TimeAmount(configuration.responseDeadline))
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionHandler(timeouts: timeouts, malformed: malformed)],
            idleTimeout: TimeAmount(configuration.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: configuration.maximumHeaderBytes, maxHeaderListSize: configuration.maximumHeaderBytes,
                maxHeaderFieldCount: configuration.maximumHeaders))
    }
}
