import FoundationEssentials
import ShopClient
import Synchronization
import Terminal
import WebClient

/// A run: goods, carts, checkouts, then the reconciliation. Its results so far can be read at any time.
final class LoadRun: Sendable {
    /// How long the shop may take to be ready before the run begins.
    private static let readyLimit = Duration.seconds(15)
    /// The limit of the reconciliation.
    private static let auditLimit = Duration.seconds(120)
    private static let quietPause = Duration.milliseconds(500)

    let plan: LoadPlan
    let scoreboard = Scoreboard()
    private let transport: any HTTPTransport
    private let quietLimit: Duration
    private let checks = Mutex<[Check]?>(nil)

    /// - Parameter quietLimit: how long work after the last order may take: a refund, a message that is retried.
    init(_ plan: LoadPlan, transport: any HTTPTransport, quietLimit: Duration = .seconds(20)) {
        self.plan = plan
        self.transport = transport
        self.quietLimit = quietLimit
    }

    var report: LoadReport {
        LoadReport(
            asked: plan.orders, clients: plan.clients, tally: scoreboard.tally, sharesClock: plan.target.isThisMachine,
            checks: checks.withLock { $0 })
    }

    /// - Throws: ``LoadError``; `CancellationError`.
    func perform() async throws {
        let shop = shop(plan.target.url, within: plan.timeout)
        try await awaitReady()
        let administrator = try await Administrator.signIn(to: shop, email: plan.target.email, password: plan.target.password)
        scoreboard.enter(.catalogue)
        let stock = try await Stocking(administrator: administrator, fixed: plan.stock)
            .stock(plan.baskets.goods, demand: plan.demand) { [scoreboard] in scoreboard.note { $0.goodIsReady() } }
        let deadLetters = try await refusing { try await administrator.openDeadLetters() }

        try await LoadPhases(plan: plan, scoreboard: scoreboard, shop: shop).run()

        scoreboard.enter(.audit)
        let late = administrator.with(self.shop(plan.target.url, within: Self.auditLimit))
        let ledger = plan.target.ledger.map { LedgerReader(sandbox: self.shop($0, token: plan.target.ledgerKey, within: Self.auditLimit)) }
        let auditor = Auditor(administrator: late, ledger: ledger, stockBefore: stock, deadLettersBefore: deadLetters)
        try await refusing { try await audit(auditor) }
        // A session that stays open expires by itself; it is no reason to fail.
        try? await late.signOut()
    }

    /// Reconciles; a failed check is repeated for as long as it may only be late.
    private func audit(_ auditor: Auditor) async throws {
        let clock = ContinuousClock()
        let end = clock.now + quietLimit
        let tally = scoreboard.tally
        while true {
            let evidence = try await auditor.evidence(for: Set(tally.orders.keys))
            let found = Reconciliation(asked: plan.orders, tally: tally, evidence: evidence).checks
            checks.withLock { $0 = found }
            // Waiting does not change the answers that the clients were given.
            let isLasting = tally.settled < tally.accepted || found.allSatisfy(\.isGood)
            guard !isLasting, clock.now < end else { return }
            try await clock.sleep(for: Self.quietPause)
        }
    }

    private func awaitReady() async throws {
        let shop = shop(plan.target.url, within: min(Self.readyLimit, plan.timeout))
        do {
            // Any final answer will do: a gateway may hide this path.
            _ = try await shop.answer(to: .get("/readyz"))
        } catch let error as LoadError where error.code == .deadline {
            throw LoadError(.unavailable, "\(plan.target.url) is not ready; wharf-dev up starts a shop. \(error.message)")
        }
    }

    private func refusing<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let refusal as Refusal {
            throw LoadError(.refused, "The shop refuses its administrator: \(refusal)")
        }
    }

    private func shop(_ url: String, token: String? = nil, within limit: Duration) -> Shop {
        Shop(transport: transport, url: url, token: token, deadline: .now + limit) { [scoreboard] reason in
            scoreboard.note { $0.retry(reason) }
        }
    }
}
