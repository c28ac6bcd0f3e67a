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
        Migration(
            id: "attempts in place",
            sql: """
                -- Since when a payment waits for its end; nothing for nearly all of them. No index has what every attempt changes, so that its new row
                -- takes a place on the same page.
                ALTER TABLE attempts
                    ADD COLUMN to_void_since timestamptz GENERATED ALWAYS AS (
                        CASE WHEN void_requested AND state IN ('begun', 'requiresAction', 'succeeded') THEN updated_at END) STORED,
                    SET (fillfactor = 60);
                DROP INDEX attempts_to_void;
                CREATE INDEX attempts_to_void ON attempts (to_void_since) WHERE to_void_since IS NOT NULL;
                -- Payments are asked for by their order.
                DROP INDEX attempts_by_intent;

                -- Rows lie in the order of their times: a summary of each stretch is enough to find the old ones.
                DROP INDEX webhook_events_at;
                CREATE INDEX webhook_events_at ON webhook_events USING brin (at);
                """),
        Migration(
            id: "what the gateway has",
            sql: """
                ALTER TABLE attempts
                    DROP CONSTRAINT attempts_state_check,
                    ADD CONSTRAINT attempts_state_check
                        CHECK (state IN ('begun', 'requiresAction', 'succeeded', 'declined', 'voided', 'refunded', 'needsOperator')),
                    ADD COLUMN version integer NOT NULL DEFAULT 1,
                    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
                    ADD COLUMN disputed boolean NOT NULL DEFAULT false,
                    ADD COLUMN refund_tries integer NOT NULL DEFAULT 0,
                    -- How often the void was asked for again.
                    ADD COLUMN void_drives integer NOT NULL DEFAULT 0;
                UPDATE attempts SET refunded = amount WHERE state = 'refunded';

                -- A change that relies on a row as it was read finds another version there, and is tried again.
                CREATE FUNCTION expect_rows(expected bigint, saved bigint) RETURNS void LANGUAGE plpgsql AS $$
                BEGIN
                    IF saved <> expected THEN
                        RAISE EXCEPTION '% of % rows have changed since they were read', expected - saved, expected USING ERRCODE = '40001';
                    END IF;
                END
                $$;
                """),
    ]
}
