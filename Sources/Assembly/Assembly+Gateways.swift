import Contracts
import Ingress
import Operations
import Payments
import Runtime
import Secrets
import WebClient

/// The payment gateways. A new one needs a case in each of these switches.
extension Assembly {
    /// Concurrent fetches of PayPal's certificates; few are needed in a year.
    private static let certificateFetches = 4
    private static let certificateTimeout = Duration.seconds(5)
    private static let certificateBytes = 65_536

    /// The gateways that customers may pay with. PayPal's client id is not a secret, so carts may know it.
    var offeredGateways: Set<GatewayName> { settings.gateways ?? (settings.payPal.clientID == nil ? [.stripe] : [.stripe, .paypal]) }

    /// The gateways that are set up.
    func gateways() throws -> [any PaymentGateway] {
        let client = WebClient(
            maximumConcurrent: Self.gatewayCalls, maximumPerHost: Self.gatewayCalls, usesEnvironmentProxy: true, logger: logger("gateway"))
        return try GatewayName.allCases.compactMap { try gateway($0, transport: MeteredTransport(traced(client), partner: $0.rawValue, showsPaths: true)) }
    }

    /// Nil if the gateway is neither set up nor offered. A gateway that is no longer offered still refunds its payments.
    /// - Throws: ``AssemblyError`` for a gateway that is offered and not set up.
    private func gateway(_ name: GatewayName, transport: any HTTPTransport) throws -> (any PaymentGateway)? {
        let isOffered = offeredGateways.contains(name)
        switch name {
        case .stripe:
            guard let key = settings.stripe.apiKey else {
                guard isOffered else { return nil }
                throw AssemblyError(
                    "STRIPE_API_KEY", "is not set, and customers may pay with stripe",
                    "a secret key from Stripe, or the sandbox's; a shop with PayPal alone sets WHARF_GATEWAYS=paypal, PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET")
            }
            return StripeGateway(transport: transport, key: (settings.stripe.apiKey ?? key).exposed, base: settings.stripe.apiBase)
        case .paypal:
            guard let id = settings.payPal.clientID else {
                guard isOffered else { return nil }
                throw AssemblyError("PAYPAL_CLIENT_ID", "is not set, and customers may pay with paypal", "the client id of a PayPal application")
            }
            guard let secret = settings.payPal.clientSecret else {
                throw AssemblyError("PAYPAL_CLIENT_SECRET", "is not set, but PAYPAL_CLIENT_ID is", "the client secret of that PayPal application")
            }
            return PayPalGateway(transport: transport, clientID: id, clientSecret: (settings.payPal.clientSecret ?? secret).exposed, base: settings.payPal.apiBase, clock: clock)
        }
    }

    /// The gateway without settings, to list its operations only.
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
