import FoundationEssentials
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import WebClient

/// A stand-in for Stripe: its API for payment intents, charges, refunds, disputes, customers and their payment methods, its idempotency keys, its events and
/// signed webhooks, and faults on demand; and for SendGrid and Twilio, as far as sending single mails and text messages.
///
/// With a ledger file, everything it answered survives `kill -9`. All state is in memory, some 3 KB a payment, up to
/// 2,000,000 payments; bodies may have 64 KiB.
public final class Sandbox: Service {
    private let configuration: SandboxConfiguration
    private let logger: Logger
    private let transport: any HTTPTransport
    private let secondsSince1970: @Sendable () -> Int
    private let onReady: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - now: The clock by which payments are dated and idempotency keys grow old.
    ///   - onReady: Called once with the port, as soon as connections are accepted.
    public convenience init(
        configuration: SandboxConfiguration, logger: Logger, now: @escaping @Sendable () -> Date = { Date() },
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.init(configuration: configuration, logger: logger, transport: WebClient(logger: logger), now: now, onReady: onReady)
    }

    /// With another transport for the webhooks.
    init(
        configuration: SandboxConfiguration, logger: Logger, transport: any HTTPTransport, now: @escaping @Sendable () -> Date,
        onReady: @escaping @Sendable (Int) async -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.transport = transport
        secondsSince1970 = { Int(now().timeIntervalSince1970) }
        self.onReady = onReady
    }

    /// Loads the ledger file, listens, and returns after a graceful shutdown: open requests are answered first.
    ///
    /// Throws ``SandboxError``, or the server's own error when it cannot listen. To be called once.
    public func run() async throws {
        try configuration.validate()
        let journal = configuration.ledgerFile.map { Journal(path: $0) }
        let webhooks = configuration.webhookURL.map { makeWebhooks(to: $0, journal: journal) }
        let ledger = PaymentLedger(
            publicURL: configuration.publicURL ?? "http://\(configuration.host):\(configuration.port)", journal: journal,
            webhooks: webhooks, secondsSince1970: secondsSince1970)
        try await ledger.restore()
        // Shut down from the last to the first: the server answers what it has before the journal closes.
        let payPal = try configuration.payPal.map {
            try PayPalSandbox(
                $0, ledgerFile: configuration.ledgerFile, latency: configuration.latency, transport: transport, logger: logger, address: { ledger.address }, now: secondsSince1970)
        }
        try await payPal?.restore()
        let callbacks = StatusCallbacks(token: configuration.apiKey, transport: transport, logger: logger)
        let services: [(any Service)?] =
            [journal, webhooks, callbacks] + (payPal?.services ?? []) + [PassingTime(ledger: ledger, logger: logger), application(for: ledger, payPal, callbacks)]
        try await ServiceGroup(configuration: .init(services: services.compactMap(\.self), logger: logger)).run()
    }

    private func makeWebhooks(to url: String, journal: Journal?) -> WebhookDispatcher {
        WebhookDispatcher(
            url: url, types: configuration.webhookEvents, sign: { [secret = configuration.webhookSecret] in [(WebhookSignature.header, WebhookSignature.make($0, secret: secret, at: $1))] },
            transport: transport, logger: logger, secondsSince1970: secondsSince1970,
            onSettled: { [logger] eventID in
                do {
                    try await journal?.append(.settled(eventID: eventID))
                } catch {
                    logger.info("webhook settled but not noted: it may be sent again", metadata: ["event.id": "\(eventID)"])
                }
            })
    }

    private func application(for ledger: PaymentLedger, _ payPal: PayPalSandbox?, _ callbacks: StatusCallbacks) -> some ApplicationProtocol {
        let router = Router(context: SandboxContext.self)
        router.add(middleware: StripeErrorMiddleware())
        let key = APIKeyMiddleware(key: configuration.apiKey)
        OperatorRoutes(ledger: ledger, key: key).add(to: router)
        AuthenticationRoutes(ledger: ledger).add(to: router)
        payPal?.add(to: router, operators: key)
        MessageRoutes(
            book: MessageBook(), callbacks: callbacks, key: Array(configuration.apiKey.utf8), operators: key, now: { [secondsSince1970] in Date(timeIntervalSince1970: Double(secondsSince1970())) }
        ).add(to: router)
        StripeRoutes(ledger: ledger, latency: configuration.latency)
            .add(to: router.group("v1").add(middleware: VersionMiddleware()).add(middleware: key))
        return Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [configuration, onReady] channel in
                let port = channel.localAddress?.port ?? configuration.port
                if configuration.publicURL == nil { ledger.address = "http://\(configuration.host):\(port)" }
                await onReady(port)
            },
            logger: logger)
    }
}
