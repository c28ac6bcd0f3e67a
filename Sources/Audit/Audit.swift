import FoundationEssentials
import Logging
import Messaging
import Runtime

/// Reconciles what every service has written with the gateway's ledger and the dead letters, while the shop is open.
///
/// Why a reported violation is one, although the databases are read one after the other and messages are always under way:
/// - Within one schema a snapshot is consistent, and each of Wharf's changes is one transaction. What holds between rows of one schema holds in every snapshot.
/// - Between schemas a difference is normal for as long as a message is under way. So a finding counts as in flight until everything that it compares has
/// been unchanged for the grace; or, where the broker still holds messages for the service that it waits for, for the longest time that the
/// retry ladder takes.
/// - Snapshots of one look are some milliseconds apart, and the gateway is read after them, so even rows that are at rest can be caught in the middle of
/// a change. So every remaining finding is checked again in new snapshots, a grace later: a change that had been caught halfway is either complete by then,
/// or so young that it is in flight. Only a finding that is the same in both looks, including the time of the last change, is reported.
///
/// The grace must be longer than the difference between the machines' clocks.
package enum Audit {
    /// Nothing is changed; memory is bounded however large the shop is.
    /// - Throws: ``AuditError`` when something could not be read; `CancellationError`.
    package static func run(_ target: AuditTarget, _ options: AuditOptions = .init(), clock: any WallClock, logger: Logger) async throws -> AuditReport {
        let start = clock.now()
        let first = try await look(target, options, clock, logger)
        guard first.hasSuspects else {
            return AuditReport(first, confirmed: [:], at: start, seconds: clock.now().timeIntervalSince(start), notes: target.notes + first.notes)
        }
        try await clock.sleep(for: .seconds(options.grace))
        let second = try await look(target, options, clock, logger)
        return AuditReport(
            second, confirmed: confirmed(first, second), at: start, seconds: clock.now().timeIntervalSince(start), notes: target.notes + second.notes)
    }

    /// The findings of both looks. Those that the first look had no room for are taken from the second alone.
    private static func confirmed(_ first: AuditTally, _ second: AuditTally) -> [Invariant: Set<Finding>] {
        Dictionary(
            uniqueKeysWithValues: Invariant.allCases.map { invariant in
                let found = second.suspects[invariant] ?? []
                return (invariant, first[invariant].beyond > 0 ? found : found.intersection(first.suspects[invariant] ?? []))
            })
    }

    private static func look(
        _ target: AuditTarget, _ options: AuditOptions, _ clock: any WallClock, _ logger: Logger
    ) async throws -> AuditTally {
        // Before the snapshots: a message that leaves its queue in between is handled in them.
        let backlog = try await target.backlog()
        return try await Snapshots.with(target.databases, allowsPlainText: target.allowsPlainText, logger: logger) { snapshots in
            let judge = Judge(now: clock.now(), grace: options.grace, backlog: backlog)
            return try await AuditPass(target, since: options.since, snapshots: snapshots, judge: judge).run()
        }
    }
}

package struct AuditOptions: Sendable {
    package static let graces = 1.0...3600.0
    package static let standardGrace = 30.0

    /// Seconds for which a difference must have been unchanged to be a violation.
    package var grace = standardGrace
    /// Only orders placed, and messages handled, since then.
    package var since: Date?

    package init(grace: Double = standardGrace, since: Date? = nil) {
        self.grace = grace
        self.since = since
    }
}
