import Glibc
import LocalServers
import Terminal
import Up

/// A client reads a whole inbox, as `pg_dump` does, while its service has a day of it to create and another to drop. No session may wait for that reader.
struct InboxReadFault: Fault {
    private static let limit = Duration.seconds(60)
    /// Long past its retention.
    private static let old = (name: "inbox_20200101", from: "2020-01-01 00:00:00Z", to: "2020-01-02 00:00:00Z")

    /// The name of its schema and role, too.
    let service: String

    func inject(into shop: ChaosShop) async throws {
        try await shop.servers.postgres.query(
            """
            SET ROLE \(service);
            SET search_path = \(service);
            CREATE TABLE \(Self.old.name) (LIKE inbox INCLUDING ALL);
            ALTER TABLE inbox ATTACH PARTITION \(Self.old.name) FOR VALUES FROM ('\(Self.old.from)') TO ('\(Self.old.to)');
            DO $$ BEGIN EXECUTE (
                SELECT 'DROP TABLE ' || max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'inbox'::regclass
            ); END $$
            """, database: DatabaseFault.database)
        try await DatabaseFault.lock("\(service).inbox", "ACCESS SHARE", in: shop)
        try await maintain(shop)
    }

    /// Returns when the old day is gone.
    func restore(in shop: ChaosShop) async throws {
        try await DatabaseFault.unlock(in: shop)
        try await maintain(shop)
        let isGone = try await poll(every: .milliseconds(200), within: Self.limit) {
            try await shop.servers.postgres.query("SELECT to_regclass('\(service).\(Self.old.name)') IS NULL", database: DatabaseFault.database) == "t"
        }
        guard isGone else { throw ChaosError(.deadline, "\(service).\(Self.old.name) was not dropped within \(Self.limit.inSeconds).") }
    }

    /// A worker maintains its inbox when it starts, and then once an hour.
    private func maintain(_ shop: ChaosShop) async throws {
        try await shop.end(Array(await shop.processes(of: service).prefix(1)), by: SIGTERM)
    }
}
