import Contracts
import HTTPTypes
import Hummingbird
import Ingress
import Logging
import Messaging
import Runtime
import ServiceLifecycle

/// The web console: pages for administrators, rendered from the services' answers to operations of the HTTP API. It stores nothing.
///
/// `run()` listens until it is shut down; then it accepts no new requests and finishes those in progress.
package final class ConsoleServer: Service {
    /// The maximum number of concurrent requests; further ones get 503 immediately. Each may hold a form of 2 MiB.
    private static let maximumRequests = 64
    private static let maximumConnections = 512

    private let application: Application<ConsoleResponder>

    /// - Parameters:
    ///   - broker: Nil if the management API is not configured.
    ///   - onReady: Called once with the port, when the server accepts requests.
    package init(
        host: String, port: Int, trustedProxies: [Network], requests: any Requesting, broker: BrokerView?, serviceNames: [String], clock: any WallClock,
        randomness: any Randomness, logger: Logger, onReady: @escaping @Sendable (_ port: Int) -> Void
    ) {
        var configuration = IngressConfiguration(host: host, port: port)
        configuration.maximumConnections = Self.maximumConnections
        configuration.maximumBodyBytes = Form.maximumBytes
        let responder = ConsoleResponder(
            requests: requests, broker: broker, serviceNames: serviceNames, admission: ConcurrencyLimit(limit: Self.maximumRequests),
            clientAddress: ClientAddress(trustedProxies: trustedProxies),
            formDeadline: configuration.bodyDeadline, clock: clock, randomness: randomness, logger: logger)
        let malformed: BoundedServer.Malformed = {
            var answer = Answer.text(400, "This is not a well-formed HTTP request, or its headers are too large.\n")
            SecurityHeaders.add(to: &answer.headers)
            answer.headers[.connection] = "close"
            return (HTTPResponse(status: .badRequest, headerFields: answer.headers), answer.body)
        }
        application = BoundedServer(configuration: configuration, malformed: malformed, logger: logger).application(responder, onReady: onReady)
    }

    package func run() async throws {
        try await application.run()
    }
}
