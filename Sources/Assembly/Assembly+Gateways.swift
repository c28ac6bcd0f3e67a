import Contracts
import Ingress
import Operations
import Payments
import WebClient

/// The payment gateways that are set up.
extension Assembly {
    /// Concurrent fetches of PayPal's certificates; few are needed in a year.
    private static let certificateFetches = 4
    private static let certificateTimeout = Duration.seconds(5)
    private static let certificateBytes = 65_536

    /// The gateways that customers may pay with. PayPal's client id is not a secret, so carts may know it.
    var offeredGateways: Set<GatewayName> { settings.payPal.clientID == nil ? [.stripe] : [.stripe, .paypal] }

    func gateways() throws -> [any PaymentGateway] {
        let client = WebClient(
            maximumConcurrent: Self.gatewayCalls, maximumPerHost: Self.gatewayCalls, usesEnvironmentProxy: true, logger: logger("gateway"))
        guard let key = settings.stripe.apiKey else {
            throw AssemblyError("STRIPE_API_KEY", "is not set", "a secret key from Stripe, or the sandbox's")
        }
        let stripe = StripeGateway(transport: client, key: key, base: settings.stripe.apiBase)
        guard let id = settings.payPal.clientID else { return [stripe] }
        guard let secret = settings.payPal.clientSecret else {
            throw AssemblyError("PAYPAL_CLIENT_SECRET", "is not set, but PAYPAL_CLIENT_ID is", "the client secret of that PayPal application")
        }
        return [stripe, PayPalGateway(transport: client, clientID: id, clientSecret: secret, base: settings.payPal.apiBase, clock: clock)]
    }

    /// Nil when no PayPal webhook is set up.
    func payPalWebhooks() -> PayPalWebhooks? {
        guard let id = settings.payPal.webhookID else { return nil }
        let client = WebClient(
            maximumConcurrent: Self.certificateFetches, maximumPerHost: Self.certificateFetches, usesEnvironmentProxy: true, logger: logger("certificates"))
        return PayPalWebhooks(webhookID: id, apiBase: settings.payPal.apiBase) { url in
            let response = try await client.send(WebRequest(url: url, timeout: Self.certificateTimeout, maximumResponseBytes: Self.certificateBytes))
            switch response.status {
            case 200: return response.body
            case 400..<500: return nil
            default: throw WebhookCertificateAway()
            }
        }
    }

    private struct WebhookCertificateAway: Error {}
}
