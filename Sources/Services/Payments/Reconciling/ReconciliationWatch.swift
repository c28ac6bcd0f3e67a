import Contracts
import FoundationEssentials
import Instruments
import JSON
import Logging
import Metrics
import PostgreSQL
import Runtime
import ServiceLifecycle
import Synchronization

/// Compares books and gateway once a day, in one of the service's processes, without delaying its other work.
public final class ReconciliationWatch: Service {
    /// Seconds from one comparison to the next.
    static let interval = 86_400.0
    /// The age in seconds up to which payments are compared: a refund or a dispute of an older one is found through its event, or with `--since`.
    static let reach = 7.0 * 86_400
    /// How often a process checks whether a comparison is due.
    static let look: Duration = .seconds(300)
    /// The most differences that are kept with the result.
    static let maximumKept = 20

    private let reconciliation: Reconciliation
    private let work: PeriodicWork
    private let logger: Logger
    private let gauge: Gauge
    private let latest = Mutex<ReconciliationReport?>(nil)

    public init(_ reconciliation: Reconciliation, logger: Logger) {
        self.reconciliation = reconciliation
        work = PeriodicWork(name: "reconciliation with \(reconciliation.name.rawValue)", interval: Self.interval)
        self.logger = logger
        gauge = Instrument.paymentDifferences.gauge(reconciliation.name.rawValue)
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    try await self.compareIfDue()
                } catch is CancellationError {
                    return
                } catch {
                    self.logger.warning("could not compare payments with the gateway's list; it will be tried again", metadata: ["error": "\(error)"])
                }
                try await self.reconciliation.clock.sleep(for: Self.look)
            }
        }
    }

    /// The differences of the latest comparison in words for operators; nil if there were none.
    public var problem: String? {
        guard let report = latest.withLock({ $0 }), !report.isClean else { return nil }
        let count = report.differences.count + report.unlisted
        return "\(count) \(count == 1 ? "payment differs" : "payments differ") from \(reconciliation.name.rawValue)'s list: "
            + "wharf payments reconcile --since \(report.since.ISO8601Format()) lists them"
    }

    func compareIfDue() async throws {
        let (clock, database) = (reconciliation.clock, reconciliation.database)
        if var turn = try await work.take(at: clock.now(), on: database) {
            let since = clock.now().addingTimeInterval(-Self.reach)
            guard var report = try await reconciliation.run(since: since, onProgress: { try await self.work.note(of: &turn, at: clock.now(), on: database) })
            else { return try await work.end(of: turn, at: clock.now(), on: database) }
            log(report)
            report.keep(Self.maximumKept)
            try await work.end(String(decoding: JSON.encode(report), as: UTF8.self), of: turn, at: clock.now(), on: database)
        }
        // Another process may have compared: each of them reports the result.
        guard let text = try await work.result(on: database) else { return }
        // Another version may have written it in another form; the next comparison replaces it.
        guard let report = try? JSON.decode(ReconciliationReport.self, from: Array(text.utf8)) else { return }
        gauge.record(report.differences.count + report.unlisted)
        latest.withLock { $0 = report }
    }

    private func log(_ report: ReconciliationReport) {
        for difference in report.differences.prefix(Self.maximumKept) { logger.error("a payment differs from the gateway's list", metadata: ["difference": "\(difference.text)"]) }
        logger.log(
            level: report.isClean ? .info : .error, "payments were compared with the gateway's list",
            metadata: [
                "gateway": "\(reconciliation.name.rawValue)", "since": "\(report.since.ISO8601Format())", "payments": "\(report.payments)",
                "attempts": "\(report.attempts)", "differences": "\(report.differences.count + report.unlisted)",
            ])
    }
}

extension ReconciliationReport {
    /// Keeps this many differences, and counts the rest.
    fileprivate mutating func keep(_ count: Int) {
        unlisted += max(0, differences.count - count)
        differences = Array(differences.prefix(count))
    }
}
