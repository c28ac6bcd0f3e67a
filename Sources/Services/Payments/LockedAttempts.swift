import FoundationEssentials

/// The attempts that a transaction has locked, and those of them that it changes.
struct LockedAttempts: Sendable {
    private var rows: [UUID: Attempt]
    /// The versions that the changed rows had when they were read.
    private var read: [UUID: Int] = [:]

    init(_ rows: [UUID: Attempt]) {
        self.rows = rows
    }

    subscript(order: UUID) -> Attempt? { rows[order] }

    /// To be written back, in one order.
    var changes: [(attempt: Attempt, read: Int)] {
        read.sorted { $0.key < $1.key }.compactMap { order, version in rows[order].map { (attempt: $0, read: version) } }
    }

    /// Returns the attempt to the set with its new version, which its reports carry. Two changes in one transaction are two versions: their reports say different
    /// things, and may arrive in any order.
    @discardableResult
    mutating func put(_ attempt: Attempt) -> Attempt {
        var attempt = attempt
        let version = rows[attempt.order]?.version ?? attempt.version
        if read[attempt.order] == nil { read[attempt.order] = version }
        attempt.version = version + 1
        rows[attempt.order] = attempt
        return attempt
    }
}
