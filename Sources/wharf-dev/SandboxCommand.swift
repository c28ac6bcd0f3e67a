import ArgumentParser
import Assembly
import Ingress
import Logging
import Messaging
import Operations
import Runtime
import Sandbox
import Secrets
import ServiceLifecycle

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Runs a payment gateway for tests that implements Stripe's and PayPal's APIs and takes no money.")

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes any free port.")
    var port = 12111

    @Option(help: "The URL that receives events, signed with STRIPE_WEBHOOK_SECRET.")
    var webhookURL: String?

    @Option(help: "An openapi.yaml: only the events that it lists for Stripe's webhooks are sent, as if no others were selected at Stripe. Without this option all are sent.")
    var webhookEventsOf: String?

    @Option(name: .customLong("paypal-webhook-url"), help: "The URL that receives PayPal's events, signed for PAYPAL_WEBHOOK_ID.")
    var payPalWebhookURL: String?

    @Option(help: "The journal file, from which a restarted sandbox restores every payment.")
    var journal: String?

    func run() async throws {
        try await Role.run("sandbox") { assembly in
            let settings = assembly.settings
            let logger = assembly.logger
            let clock = assembly.clock
            guard let key = settings.stripe.apiKey, !Settings.Stripe.isLive(key) else {
                throw AssemblyError("STRIPE_API_KEY", settings.stripe.apiKey == nil ? "is not set" : "is a live key", "a key for the sandbox alone, which begins with sk_test_")
            }
            guard let secret = settings.stripe.webhookSecrets.first else {
                throw AssemblyError("STRIPE_WEBHOOK_SECRET", "is not set", "the secret with which the ingress checks the sandbox's webhooks")
            }
            var configuration = SandboxConfiguration(
                host: host, port: port, apiKey: key.exposed, webhookSecret: secret.exposed,
                webhookURL: webhookURL, ledgerFile: journal)
            if let path = webhookEventsOf {
                configuration.webhookEvents = try OpenAPIDocument(path: path).endpoints.first { $0.signature == "stripe" }?.eventTypes
            }
            if let id = settings.payPal.clientID, let secret = settings.payPal.clientSecret {
                configuration.payPal = PayPalAccount(
                    clientID: id, clientSecret: secret.exposed, webhookID: settings.payPal.webhookID ?? "", webhookURL: payPalWebhookURL)
            }
            return [
                Sandbox(configuration: configuration, logger: logger, now: { clock.now() }) { port in
                    logger.info("listening", metadata: ["port": "\(port)"])
                }
            ]
        }
    }
}
