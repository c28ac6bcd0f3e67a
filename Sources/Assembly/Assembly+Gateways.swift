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
    var offeredGateways: Set<GatewayName> { settings.gateways ?? (settings.payPal.clientID == nil ? [.stripe] : [.stripe, .paypal]) }

    /// The gateways whose settings this process has: each that customers may pay with, and perhaps one that is no longer offered, whose payments are still refunded.
    /// - Throws: ``AssemblyError`` for a gateway that is offered and not set up.
    var gatewaySettings: (stripeKey: String?, payPal: (id: String, secret: String)?) {
        get throws {
            let payPal = try settings.payPal.clientID.map { id in
                guard let secret = settings.payPal.clientSecret else {
                    throw AssemblyError("PAYPAL_CLIENT_SECRET", "is not set, but PAYPAL_CLIENT_ID is", "the client secret of that PayPal application")
                }
                return (id: id, secret: secret)
            }
            if offeredGateways.contains(.stripe), settings.stripe.apiKey == nil {
                throw AssemblyError(
                    "STRIPE_API_KEY", "is not set, and customers may pay with stripe",
                    "a secret key from Stripe, or the sandbox's; a shop with PayPal alone sets WHARF_GATEWAYS=paypal, PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET")
            }
            if offeredGateways.contains(.paypal), payPal == nil {
                throw AssemblyError("PAYPAL_CLIENT_ID", "is not set, and customers may pay with paypal", "the client id of a PayPal application")
            }
            return (settings.stripe.apiKey, payPal)
        }
    }

    func gateways() throws -> [any PaymentGateway] {
        let (key, payPal) = try gatewaySettings
        let client = WebClient(
            maximumConcurrent: Self.gatewayCalls, maximumPerHost: Self.gatewayCalls, usesEnvironmentProxy: true, logger: logger("gateway"))
        var gateways: [any PaymentGateway] = []
        if let key { gateways.append(StripeGateway(transport: client, key: key, base: settings.stripe.apiBase)) }
        if let payPal {
            gateways.append(
                PayPalGateway(transport: client, clientID: payPal.id, clientSecret: payPal.secret, base: settings.payPal.apiBase, clock: clock))
        }
        return gateways
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
