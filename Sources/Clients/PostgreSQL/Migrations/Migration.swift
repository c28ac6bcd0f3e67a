/// One step of a schema's history. Once applied anywhere its text is never changed: what comes next is a new migration.
public struct Migration: Sendable {
    /// Names it for good, within its schema.
    public let id: String
    /// One statement or several, without values. It runs in a transaction and must not end it. Unqualified names lead to the schema.
    public let sql: String

    public init(id: String, sql: String) {
        self.id = id
        self.sql = sql
    }
}
