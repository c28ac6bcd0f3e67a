import AMQP
import Contracts
import IOThreads
import Ingress
import Logging
import Messaging
import Operations
import Secrets
import ServiceLifecycle

extension Assembly {
    /// Everything that an ingress process runs.
    package func ingress(openapi: String, onReady: @escaping @Sendable (Int) -> Void) throws -> [any Service] {
        let thread = try IOThread(named: "wharf-ingress")
        let commands = try publisher(Self.ingress, confirms: true, on: thread)
        let queries = try publisher(Self.ingress, confirms: true, for: "queries", on: thread)
        let document = try OpenAPIDocument(path: openapi)
        let keyring = SealingKeyring()
        let sealing = SealingPublisher(queries, sealing: Set(document.endpoints.filter(\.isSensitive).map(\.operationID))) { keyring.key }
        let (client, parts) = try requestClient(Self.ingress, commands: commands, queries: sealing, on: thread)
        let keys = SealingKeyService(keyring: keyring, requests: client, clock: clock, randomness: randomness, logger: logger("credentials"))
        let address = settings.httpAddress
        var configuration = IngressConfiguration(
            host: address.host, port: address.port, shutdownDeadline: Role.longestDrain,
            webhookSecrets: ["stripe": settings.stripe.webhookSecrets.map(\.exposed), "twilio": settings.twilio.webhookSecrets.map(\.exposed), "sendgrid": settings.mail.sendGridWebhookKeys],
            webhookURLs: settings.twilio.webhookURL.map { ["twilio": $0] } ?? [:], payPalWebhooks: payPalWebhooks(), corsOrigins: settings.corsOrigins, trustedProxies: settings.trustedProxies,
            answerLifetime: settings.cacheSeconds, openapi: openapi)
        configuration.maximumConnections = DescriptorLimit.connections(wanted: configuration.maximumConnections, logger("ingress"))
        let listening = SharedPort()
        let ingress = Ingress(
            configuration: configuration, document: document, requests: client, clock: clock, randomness: randomness,
            logger: logger("ingress"), tracer: tracer,
            onReady: { port in
                listening.set(port)
                onReady(port)
            })
        let events = Consumer(
            configuration: try broker(Self.ingress, "events"),
            source: .exclusive(
                prefix: "\(Exchange.events).\(Self.ingress).",
                bindings: [MessageName.sessionRevoked, MessageName.catalogChanged].map { (Exchange.events, $0) }),
            prefetch: 100, noAck: true, logger: logger("events"))
        let changes = ServiceChanges(events: events, sessions: ingress.sessions, answers: ingress.answers, logger: logger("events"))
        let bound = ([commands, queries] + parts).map { ThreadBound(service: $0, thread: thread) as any Service }
        return bound + [keys, events, changes, Listener(ingress, at: address, "WHARF_HTTP_ADDRESS", listening)]
    }
}
