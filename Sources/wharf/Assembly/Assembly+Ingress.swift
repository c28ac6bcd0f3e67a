import AMQP
import Contracts
import IOThreads
import Ingress
import Logging
import Messaging
import Operations
import ServiceLifecycle

extension Assembly {
    /// Everything that an ingress process runs.
    func ingress(openapi: String, onReady: @escaping @Sendable (Int) -> Void) throws -> [any Service] {
        let thread = try IOThread(named: "wharf-ingress")
        let commands = try publisher(Self.ingress, confirms: true, on: thread)
        let queries = try publisher(Self.ingress, confirms: true, for: "queries", on: thread)
        let (client, parts) = try requestClient(Self.ingress, commands: commands, queries: queries, on: thread)
        let address = settings.httpAddress
        var configuration = IngressConfiguration(
            host: address.host, port: address.port, shutdownDeadline: Role.longestDrain,
            stripeWebhookSecret: settings.stripe.webhookSecret, openapi: openapi)
        configuration.maximumConnections = DescriptorLimit.connections(wanted: configuration.maximumConnections, logger("ingress"))
        let isListening = SharedFlag()
        let ingress = try Ingress(
            configuration: configuration, requests: client, clock: clock, randomness: randomness,
            logger: logger("ingress"),
            onReady: { port in
                isListening.raise()
                onReady(port)
            })
        let events = Consumer(
            configuration: try broker(Self.ingress, "events"),
            source: .exclusive(prefix: "\(Exchange.events).\(Self.ingress).", bindings: [(Exchange.events, MessageName.sessionRevoked)]),
            prefetch: 100, noAck: true, logger: logger("events"))
        let revocations = SessionRevocations(events: events, cache: ingress.sessions, logger: logger("events"))
        let bound = ([commands, queries] + parts).map { ThreadBound(service: $0, thread: thread) as any Service }
        return bound + [events, revocations, Listener(ingress, at: address, "WHARF_HTTP_ADDRESS", isListening)]
    }
}
