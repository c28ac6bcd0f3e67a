import FoundationEssentials
import WebClient

/// Holds what the customers were told against what the shop, its gateway and its stock say once it is quiet.
struct ChaosAudit: Sendable {
    private static let pause = Duration.seconds(1)

    let shop: ChaosShop
    let transport: any HTTPTransport
    let administrator: Administrator
    let stockBefore: [String: StockLevel]

    /// What has to hold. What does not is looked at again for as long as it may only be late.
    func checks(_ tally: Tally, begun: Int) async throws -> [Check] {
        let clock = ContinuousClock()
        let end = clock.now + ChaosPlan.auditLimit
        let auditor = Auditor(
            administrator: administrator.with(Shop(transport: transport, url: shop.url, deadline: end) { _ in }),
            ledger: LedgerReader(sandbox: shop.gateway), stockBefore: stockBefore, deadLettersBefore: 0)
        while true {
            let evidence = try await auditor.evidence(for: Set(tally.orders.keys))
            let checks = Reconciliation(asked: begun, tally: tally, evidence: evidence).checks
            // No waiting changes what the customers were told.
            let isLasting = tally.settled < tally.accepted || checks.allSatisfy(\.isGood)
            guard !isLasting, clock.now + Self.pause < end else { return checks }
            try await clock.sleep(for: Self.pause)
        }
    }
}
