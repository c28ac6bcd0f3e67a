import Notifications

/// The findings of one look, bounded however many there are.
struct AuditTally: Sendable {
    /// Suspects of each invariant that are remembered for the second look.
    static let maximumRemembered = 100_000

    struct Count: Sendable, Equatable {
        var checked = 0
        var inFlight = 0
        /// Suspects beyond those that are remembered.
        var beyond = 0
    }

    private(set) var counts: [Invariant: Count] = [:]
    private(set) var suspects: [Invariant: Set<Finding>] = [:]
    /// Notifications that could not be sent yet, by channel.
    private(set) var waiting: [WaitingNotifications] = []
    /// Orders paid with PayPal, and how many of them were compared with it.
    private(set) var payPal = (paid: 0, read: 0)
    private let judge: Judge

    init(_ judge: Judge) {
        self.judge = judge
    }

    subscript(invariant: Invariant) -> Count { counts[invariant] ?? Count() }

    var hasSuspects: Bool { suspects.contains { !$0.value.isEmpty } }

    /// One checked subject, and what is wrong with it.
    mutating func check(_ invariant: Invariant, _ findings: [Finding]) {
        counts[invariant, default: Count()].checked += 1
        note(findings)
    }

    mutating func check(_ invariant: Invariant, count: Int) {
        counts[invariant, default: Count()].checked += count
    }

    mutating func wait(_ notifications: [WaitingNotifications]) {
        waiting = WaitingNotifications.merged(waiting, notifications)
    }

    mutating func compare(payPal read: Int, of paid: Int) {
        payPal.paid += paid
        payPal.read += read
    }

    /// What the audit covered, where that is not everything.
    var notes: [String] {
        guard payPal.paid > 0 else { return [] }
        let rest = payPal.paid - payPal.read
        let read = "PayPal: \(payPal.read) payments were read by id"
        return [rest == 0 ? "\(read)." : "\(read); \(rest) more were compared only with the payment service's own records. Use --since to leave out older ones."]
    }

    mutating func note(_ findings: [Finding]) {
        var flying: Set<Invariant> = []
        for finding in findings {
            if judge.isInFlight(finding) {
                flying.insert(finding.invariant)
            } else if suspects[finding.invariant, default: []].count < Self.maximumRemembered {
                suspects[finding.invariant, default: []].insert(finding)
            } else {
                counts[finding.invariant, default: Count()].beyond += 1
            }
        }
        for invariant in flying { counts[invariant, default: Count()].inFlight += 1 }
    }
}
