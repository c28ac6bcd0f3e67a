import PostgreSQL

extension Schema {
    static let alerts = Migration(
        id: "alerts",
        sql: """
            -- Causes that are known, so that a new one is noticed.
            CREATE TABLE known_causes (
                queue text NOT NULL,
                cause text NOT NULL,
                operation text NOT NULL,
                seen_at timestamptz NOT NULL,
                -- When their rate was last worth an alert.
                alerted_at timestamptz,
                PRIMARY KEY (queue, cause, operation)
            );
            CREATE INDEX known_causes_by_age ON known_causes (seen_at);
            """)
}
