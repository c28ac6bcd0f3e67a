import FoundationEssentials
import PostgreSQL

extension GroupStore {
    /// A change and its actor.
    struct Change: Sendable {
        let input: GroupChange
        let actor: String
    }

    /// Makes the changes in the order given and records them. A group that a person has put into a state has not returned. Returns the ids of the groups that exist.
    static func change(_ changes: [Change], now: Date, on transaction: any SQLConnection) async throws -> Set<UUID> {
        let rows = try await transaction.query("SELECT id FROM groups WHERE id = ANY(\(changes.map(\.input.id))) ORDER BY id FOR UPDATE")
        let known = Set(try rows.map { try $0.decode("id", as: UUID.self) })
        for change in changes where known.contains(change.input.id) && !change.input.isEmpty {
            try await transaction.enqueue(update(change.input, now))
            try await transaction.enqueue(
                """
                INSERT INTO audit (group_id, at, actor, action, detail)
                VALUES (\(change.input.id), \(now), \(change.actor), \(change.input.action), \(change.input.detail))
                """)
        }
        return known
    }

    private static func update(_ change: GroupChange, _ now: Date) -> SQL {
        let setsState = change.state != nil
        return """
            UPDATE groups
            SET name = CASE WHEN \(change.name.isGiven) THEN \(change.name.value) ELSE name END,
                note = CASE WHEN \(change.note.isGiven) THEN \(change.note.value) ELSE note END,
                state = coalesce(\(change.state?.rawValue), state),
                returned = CASE WHEN \(setsState) THEN 'never' ELSE returned END,
                replayed_at = CASE WHEN \(setsState) THEN NULL ELSE replayed_at END,
                resolved_at = CASE WHEN \(change.state == .resolved) THEN \(now) ELSE resolved_at END
            WHERE id = \(change.id)
            """
    }
}
