import Audit
import FoundationEssentials
import Load
import LocalState
import Logging
import Operations
import ShopClient
import Up
import WebClient

/// Once the shop is quiet: reconciles the answers to customers with the shop, its gateway and its stock, and the services' records with each other.
struct ChaosAudit: Sendable {
    private static let pause = Duration.seconds(1)
    /// All clocks are that of this machine, and no customer buys any more: what is unchanged for this long is not under way, in seconds.
    private static let grace = 5.0

    let shop: ChaosShop
    let transport: any HTTPTransport
    let administrator: Administrator
    let stockBefore: [String: StockLevel]
    let scarce: Set<String>
    let logger: Logger

    /// The checks. A failed one is repeated for as long as it may only be late.
    /// - Throws: ``LoadError``, ``AuditError`` when something could not be read.
    func checks(_ tally: Tally, _ promises: Promises, begun: Int) async throws -> [Check] {
        let clock = ContinuousClock()
        let end = clock.now + ChaosPlan.auditLimit
        while true {
            let reported = try await reconciliation(tally, promises, begun: begun, until: end + ChaosPlan.auditLimit)
            let written = try await Audit.run(
                try shop.auditTarget(transport), AuditOptions(grace: Self.grace), clock: SystemClock(), logger: logger)
            let checks = reported + written.rows.map(Check.init)
            // Waiting does not change the answers that customers were given.
            let isLasting = tally.settled < tally.accepted
            let isQuiet = checks.allSatisfy(\.isGood) && written.rows.allSatisfy { $0.inFlight == 0 }
            guard !isLasting, !isQuiet, clock.now + Self.pause < end else { return checks }
            try await clock.sleep(for: Self.pause)
        }
    }

    private func reconciliation(_ tally: Tally, _ promises: Promises, begun: Int, until deadline: ContinuousClock.Instant) async throws -> [Check] {
        let administrator = administrator.with(Shop(transport: transport, url: shop.url, deadline: deadline) { _ in })
        let auditor = Auditor(
            administrator: administrator, ledger: LedgerReader(sandbox: shop.gateway), stockBefore: stockBefore, deadLettersBefore: 0)
        var evidence = try await auditor.evidence(for: Set(tally.orders.keys))
        let endings = try await Endings(administrator, skus: stockBefore.keys.sorted(), mailFolder: shop.folder.state.mail)
        evidence.outcomes = endings.orders.mapValues(\.outcome)
        let reconciliation = Reconciliation(asked: begun, tally: tally, evidence: evidence)
        let afterSales = AfterSalesReconciliation(
            accepted: Set(tally.orders.keys), promises: promises.orders, complaints: promises.complaints, refused: promises.refused,
            underWay: promises.underWay, endings: endings, payments: evidence.payments ?? [:])
        return reconciliation.checks + reconciliation.shortages(of: scarce) + afterSales.checks
    }
}

extension Check {
    fileprivate init(_ row: AuditReport.Row) {
        self.init(
            row.title, "\(row.checked) checked, \(row.inFlight) in flight", isGood: row.violations == 0,
            culprits: row.named.map { "\($0.subject)  \($0.sentence)" })
    }
}
