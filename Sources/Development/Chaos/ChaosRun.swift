import FoundationEssentials
import Load
import Logging
import ShopClient
import Synchronization
import Terminal
import Up
import WebClient

/// Customers buy, cancel and return goods, the shop ships and refunds, faults start and stop, and in the end everything has to add up.
struct ChaosRun: Sendable {
    /// Until the first order is accepted, before any fault.
    private static let firstSuccessLimit = Duration.seconds(60)
    private static let setupLimit = Duration.seconds(120)

    let plan: ChaosPlan
    let shop: ChaosShop
    let transport: any HTTPTransport
    let book: ChaosBook
    let console: Console
    let logger: Logger

    /// - Throws: ``ChaosError``, ``LoadError``, `CancellationError`: any reason that kept the run from its end.
    func perform() async throws {
        let startedAt = ContinuousClock.now
        let front = Shop(transport: transport, url: shop.url, deadline: .now + Self.setupLimit) { _ in }
        let administrator = try await Administrator.signIn(to: front, email: UpSecrets.adminEmail, password: shop.adminPassword)
        let stock = try await fillShelves(administrator)
        let customers = Customers(plan, url: shop.url, administrator: administrator, transport: transport)
        do {
            try await disturb(customers, since: startedAt)
        } catch {
            note(customers)
            throw error
        }
        note(customers)
        console.line("All faults are over; the audit begins.")
        let audit = ChaosAudit(
            shop: shop, transport: transport, administrator: administrator, stockBefore: stock, scarce: plan.scarceSKUs, logger: logger)
        let checks = try await audit.checks(customers.scoreboard.tally, customers.promises, begun: customers.begun)
        book.note { $0.checks = checks }
    }

    /// The stock at the beginning of the run, by SKU.
    private func fillShelves(_ administrator: Administrator) async throws -> [String: StockLevel] {
        var levels: [String: StockLevel] = [:]
        for (isScarce, pieces) in [(false, ChaosPlan.stock), (true, ChaosPlan.scarceStock)] {
            let goods = plan.baskets.goods.enumerated().filter { plan.scarce.contains($0.offset) == isScarce }.map(\.element)
            let demand = [Int](repeating: 0, count: goods.count)
            levels.merge(try await Stocking(administrator: administrator, fixed: pieces).stock(goods, demand: demand) {}) { $1 }
        }
        return levels
    }

    /// Returns when all faults are over and the shop is quiet, or should be.
    private func disturb(_ customers: Customers, since startedAt: ContinuousClock.Instant) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await customers.run() }
            guard try await customers.availability.awaitSuccess(within: Self.firstSuccessLimit) else {
                throw ChaosError(.deadline, "No order was accepted within \(Self.firstSuccessLimit.inSeconds).")
            }
            let end = ContinuousClock.now + plan.injectionLimit
            for (index, injection) in plan.schedule.injections.enumerated() where .now < end {
                let fault = try await inject(injection, customers)
                book.note { $0.faults.append(fault) }
                let time = (ContinuousClock.now - startedAt).components.seconds
                console.line(line(index + 1, fault, at: time))
                try await Task.sleep(for: ChaosSchedule.rest)
            }
            customers.close()
            group.addTask { try await Task.sleep(for: ChaosPlan.quietLimit) }
            // Ends when all orders are settled or the time is over. The audit reports orders that are still open then.
            try await group.next()
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
    }

    private func inject(_ injection: Injection, _ customers: Customers) async throws -> ChaosReport.Outcome {
        let availability = customers.availability
        let inFlight = customers.inFlight
        let fault = injection.fault
        var trouble: String?
        availability.beginWindow()
        do {
            try await fault.inject(into: shop)
            try await Task.sleep(for: injection.hold)
        } catch let error where !Task.isCancelled {
            trouble = "\(error)"
        } catch {}
        // Not a child task: the fault is undone even when the run is being ended.
        let shop = shop
        if case .failure(let error) = await Task(operation: { try await fault.restore(in: shop) }).result { trouble = trouble ?? "\(error)" }
        try Task.checkCancellation()
        if try await !availability.awaitSuccess(within: ChaosPlan.recoveryLimit) {
            trouble = trouble ?? "no customer had success within \(ChaosPlan.recoveryLimit.inSeconds) after it"
        }
        let outage = availability.longestGap
        if let limit = injection.kind.longestOutage, outage > limit {
            trouble = trouble ?? "no customer had success for \(outage.inSeconds), where \(limit.inSeconds) are allowed"
        }
        return .init(injection: injection, inFlight: inFlight, outage: outage, trouble: trouble)
    }

    private func line(_ number: Int, _ fault: ChaosReport.Outcome, at seconds: Int64) -> String {
        let outcome = fault.trouble.map { console.paint.bad($0) } ?? "no success for \(fault.outage.inSeconds), \(fault.inFlight) in flight"
        return "\("\(seconds) s".padded(to: 6)) \("\(number).".padded(to: 4)) \(fault.injection.text.padded(to: 46)) \(outcome)"
    }

    private func note(_ customers: Customers) {
        customers.scoreboard.read { tally, _ in
            book.note { report in
                report.accepted = tally.accepted
                report.settled = tally.settled
                report.retried = tally.retried
                report.states = tally.states
            }
        }
    }
}
