import Contracts
import Ingress
import Operations
import Payments
import Runtime
import WebClient

/// The payment gateways. A new one needs a case in each of these switches.
extension Assembly {
    /// Concurrent fetches of PayPal's certificates; few are needed in a year.
    private static let certificateFetches = 4
    private static let certificateTimeout = Duration.seconds(5)
    private static let certificateBytes = 65_536

    /// The gateways that customers may pay with.
    var offeredGateways: Set<GatewayName> { Set(GatewayName.allCases.filter(offers)) }

    /// For carts too, so without secrets: PayPal's client id is none.
    private func offers(_ gateway: GatewayName) -> Bool {
        switch gateway {
        case .stripe: true
        case .paypal: settings.payPal.clientID != nil
        }
    }

    /// The gateways that are set up.
    func gateways() throws -> [any PaymentGateway] {
        let client = WebClient(
            maximumConcurrent: Self.gatewayCalls, maximumPerHost: Self.gatewayCalls, usesEnvironmentProxy: true, logger: logger("gateway"))
        return try GatewayName.allCases.filter(offers).map { try gateway($0, transport: traced(client)) }
    }

    private func gateway(_ name: GatewayName, transport: any HTTPTransport) throws -> any PaymentGateway {
        switch name {
        case .stripe:
            guard let key = settings.stripe.apiKey else {
                throw AssemblyError("STRIPE_API_KEY", "is not set", "a secret key from Stripe, or the sandbox's")
            }
            return StripeGateway(transport: transport, key: key, base: settings.stripe.apiBase)
        case .paypal:
            guard let secret = settings.payPal.clientSecret else {
                throw AssemblyError("PAYPAL_CLIENT_SECRET", "is not set, but PAYPAL_CLIENT_ID is", "the client secret of that PayPal application")
            }
            return PayPalGateway(transport: transport, clientID: settings.payPal.clientID ?? "", clientSecret: secret, base: settings.payPal.apiBase, clock: clock)
        }
    }

    /// The gateway without settings, for its operations alone.
    static func unconnectedGateway(_ name: GatewayName, transport: any HTTPTransport, clock: any WallClock) -> any PaymentGateway {
        switch name {
        case .stripe: StripeGateway(transport: transport, key: "")
        case .paypal: PayPalGateway(transport: transport, clientID: "", clientSecret: "", clock: clock)
        }
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
