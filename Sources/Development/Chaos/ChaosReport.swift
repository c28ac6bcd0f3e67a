import Load
import ShopClient
import Synchronization
import Terminal

/// The results of a run so far.
struct ChaosReport: Sendable {
    /// One fault that was injected.
    struct Outcome: Sendable {
        let injection: Injection
        /// Orders that were accepted and had not settled when it struck.
        let inFlight: Int
        /// The longest time without the success of any customer, from the fault until the first success after it.
        let outage: Duration
        /// Why it failed: it could not be injected, or no customer had success after it.
        let trouble: String?
    }

    /// The number of faults in the schedule.
    let planned: Int
    var faults: [Outcome] = []
    /// nil until the audit has run.
    var checks: [Check]?
    var accepted = 0
    var settled = 0
    var retried = 0
    var states: [ReportedOrder.State: Int] = [:]

    var violations: [Check] { checks?.filter { !$0.isGood } ?? [] }
    var troubles: [String] { faults.compactMap { fault in fault.trouble.map { "\(fault.injection.text): \($0)" } } }

    /// Whether every order is accounted for, and every fault came and went.
    var isGood: Bool { checks != nil && violations.isEmpty && troubles.isEmpty }

    /// Kinds in the order of their outages, the longest first.
    func table(_ paint: Paint) -> String {
        let kinds = Dictionary(grouping: faults, by: \.injection.kind).map { kind, faults in
            (kind: kind, count: faults.count, outage: faults.map(\.outage).max() ?? .zero, inFlight: faults.map(\.inFlight).max() ?? 0)
        }
        let rows = kinds.sorted { $0.outage > $1.outage }.map { [$0.kind.rawValue, "\($0.count)", $0.outage.inSeconds, "\($0.inFlight)", ""] }
        return TextTable.text(["fault", "times", "longest outage", "most in flight", ""], rows, paint)
    }

    func text(_ paint: Paint) -> String {
        var lines = [table(paint), ""]
        lines.append("\(faults.count) of \(planned) faults injected; \(accepted) orders accepted, \(settled) settled, \(retried) attempts repeated")
        if !states.isEmpty {
            lines.append(states.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", "))
        }
        lines.append("")
        for check in checks ?? [] {
            lines.append("\(check.isGood ? paint.good("holds   ") : paint.bad("VIOLATED"))  \(check.name): \(check.detail)")
            if !check.isGood { lines += check.culprits.map { "            \($0)" } }
        }
        for trouble in troubles { lines.append("\(paint.bad("TROUBLE ")) \(trouble)") }
        lines.append("")
        lines.append(checks == nil ? paint.bad("The run ended before its audit.") : "violations: \(violations.count)")
        return lines.joined(separator: "\n")
    }
}

/// The report while it is written.
final class ChaosBook: Sendable {
    private let report: Mutex<ChaosReport>

    init(planned: Int) {
        report = Mutex(ChaosReport(planned: planned))
    }

    var current: ChaosReport { report.withLock { $0 } }

    func note(_ change: (inout ChaosReport) -> Void) {
        report.withLock { change(&$0) }
    }
}
