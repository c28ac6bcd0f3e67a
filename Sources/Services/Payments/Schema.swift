import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "payments",
            sql: """
                -- One row an order: the attempt to charge it, committed before the gateway is called.
                CREATE TABLE attempts (
                    order_id uuid PRIMARY KEY,
                    idempotency_key uuid NOT NULL,
                    amount bigint NOT NULL,
                    currency text NOT NULL,
                    payment_method text NOT NULL,
                    order_number text NOT NULL,
                    state text NOT NULL CHECK (state IN ('begun', 'requiresAction', 'succeeded', 'declined', 'voided', 'refunded')),
                    void_requested boolean NOT NULL DEFAULT false,
                    intent_id text,
                    client_secret text,
                    detail text,
                    -- No call for this attempt begins after this time without a new one being committed first.
                    sent_until timestamptz,
                    created_at timestamptz NOT NULL,
                    updated_at timestamptz NOT NULL
                );
                CREATE INDEX attempts_to_void ON attempts (updated_at)
                    WHERE void_requested AND state IN ('begun', 'requiresAction', 'succeeded');
                CREATE INDEX attempts_by_intent ON attempts (intent_id) WHERE intent_id IS NOT NULL;

                -- Events that the gateway has told, so that each counts once.
                CREATE TABLE webhook_events (
                    event_id text PRIMARY KEY,
                    at timestamptz NOT NULL
                );
                CREATE INDEX webhook_events_at ON webhook_events (at);
                """),
        Migration(
            id: "spent keys",
            sql: """
                -- Since when the gateway is known to answer the key by an error; with a new key it begins anew.
                ALTER TABLE attempts ADD COLUMN key_spent_at timestamptz;
                """),
    ]
}
