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
        let document = try OpenAPIDocument(path: openapi)
        let (client, parts, keys) = try sealingClient(Self.ingress, sealing: Set(document.endpoints.filter(\.isSensitive).map(\.operationID)), on: thread)
        let address = settings.httpAddress
        var configuration = IngressConfiguration(
            host: address.host, port: address.port, shutdownDeadline: Role.longestDrain,
            webhookSecrets: [
                "stripe": WebhookSecrets { settings.stripe.webhookSecrets.map(\.exposed) }, "twilio": WebhookSecrets { settings.twilio.webhookSecrets.map(\.exposed) },
                "sendgrid": WebhookSecrets { settings.mail.sendGridWebhookKeys },
            ],
            webhookURLs: settings.twilio.webhookURL.map { ["twilio": $0] } ?? [:], payPalWebhooks: payPalWebhooks(), corsOrigins: settings.corsOrigins, trustedProxies: settings.trustedProxies,
            answerLifetime: settings.cacheSeconds, openapi: openapi)
        configuration.maximumConnections = DescriptorLimit.connections(wanted: configuration.maximumConnections, logger("ingress"))
        let listening = SharedPort()
        let ingress = try Ingress(
            configuration: configuration, document: document, requests: client, clock: clock, randomness: randomness,
            logger: logger("ingress"), tracer: tracer,
            onReady: { port in
                listening.set(port)
                onReady(port)
            })
        let events = Consumer(
            configuration: try broker(Self.ingress, "events"), renewing: renewal(Self.ingress, "events"),
            source: .exclusive(
                prefix: "\(Exchange.events).\(Self.ingress).",
                bindings: [MessageName.sessionRevoked, MessageName.catalogChanged].map { (Exchange.events, $0) }),
            prefetch: 100, noAck: true, logger: logger("events"))
        let changes = ServiceChanges(events: events, sessions: ingress.sessions, answers: ingress.answers, logger: logger("events"))
        let bound = parts.map { ThreadBound(service: $0, thread: thread) as any Service }
        let pause = DrainPause(drain: ingress.drain, pause: .seconds(settings.drainSeconds), clock: clock)
        return bound + [keys, events, changes, Listener(ingress, at: address, "WHARF_HTTP_ADDRESS", listening), pause]
    }

    /// - Parameter sealing: The operations whose requests contain credentials, which are sealed for the users service.
    /// - Returns: The client, the services that it needs on the thread, and the service that fetches the key.
    func sealingClient(
        _ user: String, sealing operations: Set<String>, on thread: IOThread
    ) throws -> (client: RequestClient, services: [any Service], keys: SealingKeyService) {
        let commands = try publisher(user, confirms: true, on: thread)
        let queries = try publisher(user, confirms: true, for: "queries", on: thread)
        let keyring = SealingKeyring()
        let sealing = SealingPublisher(queries, sealing: operations) { keyring.key }
        let (client, parts) = try requestClient(user, commands: commands, queries: sealing, on: thread)
        let keys = SealingKeyService(keyring: keyring, requests: client, clock: clock, randomness: randomness, logger: logger("credentials"))
        return (client, [commands, queries] + parts, keys)
    }
}
