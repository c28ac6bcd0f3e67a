/// Something that goes wrong for a while with a part of the running shop.
protocol Fault: Sendable {
    /// Makes it happen.
    /// - Throws: ``ChaosError``, or what a tool says, when it could not be made to happen; it is restored nevertheless.
    func inject(into shop: ChaosShop) async throws

    /// Takes it back, and does what an operator would do after it; returns when the part is there again.
    ///
    /// Called once after each ``inject(into:)``, even after one that has failed half-way, and never cancelled.
    func restore(in shop: ChaosShop) async throws
}

/// A fault at its place in a schedule.
struct Injection: Sendable, Equatable {
    let kind: FaultKind
    /// What it happens to: a role, a queue, a server; empty where there is no choice.
    let target: String
    /// How long it lasts, its injection and restoring aside.
    let hold: Duration

    var fault: any Fault { kind.fault(target) }

    var text: String {
        let parts = [kind.rawValue, target, hold == .zero ? "" : "for \(hold.components.seconds) s"]
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }
}
