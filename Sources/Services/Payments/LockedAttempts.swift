import FoundationEssentials

/// The attempts that a transaction has locked, and those of them that it changes.
struct LockedAttempts {
    private var rows: [UUID: Attempt]
    private var changed: Set<UUID> = []

    init(_ rows: [UUID: Attempt]) {
        self.rows = rows
    }

    subscript(order: UUID) -> Attempt? { rows[order] }

    /// To be written back, in one order.
    var changes: [Attempt] { changed.sorted().compactMap { rows[$0] } }

    /// Returns the attempt to the set with its new version, which its reports carry.
    @discardableResult
    mutating func put(_ attempt: Attempt) -> Attempt {
        var attempt = attempt
        if changed.insert(attempt.order).inserted { attempt.version += 1 }
        rows[attempt.order] = attempt
        return attempt
    }
}
