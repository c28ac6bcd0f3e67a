/// A temporary failure of a part of the running shop.
protocol Fault: Sendable {
    /// Makes the part fail.
    /// - Throws: ``ChaosError``, or a tool's error, when the fault could not be injected; it is restored nevertheless.
    func inject(into shop: ChaosShop) async throws

    /// Undoes the fault, and does what an operator would do after it; returns when the part is back.
    ///
    /// Called once after each ``inject(into:)``, even after one that has failed half-way, and never cancelled.
    func restore(in shop: ChaosShop) async throws
}

/// A fault at its place in a schedule.
struct Injection: Sendable, Equatable {
    let kind: FaultKind
    /// The target: a role, a queue, a server; empty where there is no choice.
    let target: String
    /// How long it lasts, without its injection and restoring.
    let hold: Duration

    var fault: any Fault { kind.fault(target) }

    var text: String {
        let parts = [kind.rawValue, target, hold == .zero ? "" : "for \(hold.components.seconds) s"]
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
