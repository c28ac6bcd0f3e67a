import Hummingbird
import Logging
import ServiceLifecycle
import WebClient

/// A stand-in for PayPal beside the one for Stripe: its tokens, orders, captures, refunds and disputes, the page for the customer's approval, its signed webhooks,
/// and faults on demand. All of it is in memory alone.
struct PayPalSandbox: Sendable {
    private let ledger: PayPalLedger
    private let latency: Duration

    init(
        _ account: PayPalAccount, latency: Duration, transport: any HTTPTransport, logger: Logger, address: @escaping @Sendable () -> String,
        now: @escaping @Sendable () -> Int
    ) throws {
        ledger = try PayPalLedger(account, transport: transport, logger: logger, address: address, now: now)
        self.latency = latency
    }

    var services: [any Service] { [ledger.webhooks].compactMap(\.self) }

    func add(to router: Router<SandboxContext>, operators: APIKeyMiddleware) {
        PayPalRoutes(ledger: ledger, latency: latency).add(to: router)
        PayPalPages(ledger: ledger).add(to: router)
        PayPalOperatorRoutes(ledger: ledger).add(to: router.group("_paypal").add(middleware: operators))
    }
}
