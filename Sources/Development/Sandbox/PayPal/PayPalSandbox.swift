import Hummingbird
import Logging
import ServiceLifecycle
import WebClient

/// A stand-in for PayPal beside the one for Stripe: its tokens, orders, captures, refunds and disputes, the page for the customer's approval, its signed webhooks,
/// and faults on demand. Its payments are kept in a journal beside Stripe's; everything else is in memory.
struct PayPalSandbox: Sendable {
    private let ledger: PayPalLedger
    private let latency: Duration

    init(
        _ account: PayPalAccount, ledgerFile: String?, latency: Duration, transport: any HTTPTransport, logger: Logger, address: @escaping @Sendable () -> String,
        now: @escaping @Sendable () -> Int
    ) throws {
        ledger = try PayPalLedger(account, journal: ledgerFile.map { Journal(path: "\($0).paypal") }, transport: transport, logger: logger, address: address, now: now)
        self.latency = latency
    }

    /// The services in the order in which they start; the journal is the last to stop.
    var services: [any Service] { [ledger.journal as (any Service)?, ledger.webhooks].compactMap(\.self) }

    /// Call this once, before the services run.
    func restore() async throws { try await ledger.restore() }

    func add(to router: Router<SandboxContext>, operators: APIKeyMiddleware) {
        PayPalRoutes(ledger: ledger, latency: latency).add(to: router)
        PayPalPages(ledger: ledger).add(to: router)
        PayPalOperatorRoutes(ledger: ledger).add(to: router.group("_paypal").add(middleware: operators))
    }
}
