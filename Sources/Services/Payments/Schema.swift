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
                -- In one statement, so that the table is rewritten once.
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
        Migration(
            id: "refunds",
            sql: """
                ALTER TABLE attempts
                    ADD COLUMN gateway text NOT NULL DEFAULT 'stripe',
                    -- A refund of a part waits for an operator.
                    ADD COLUMN refund_refused boolean NOT NULL DEFAULT false,
                    -- Nothing for nearly all of them, so that an attempt that changes keeps its place on the page.
                    ADD COLUMN unresolved_since timestamptz GENERATED ALWAYS AS (CASE WHEN state = 'needsOperator' THEN updated_at END) STORED;
                CREATE INDEX attempts_unresolved ON attempts (unresolved_since) WHERE unresolved_since IS NOT NULL;

                -- The ledger: each refund that was requested, and each that was made at the gateway. A row changes only while its attempt is locked.
                CREATE TABLE refunds (
                    id uuid PRIMARY KEY,
                    order_id uuid NOT NULL,
                    amount bigint NOT NULL CHECK (amount > 0),
                    reason text NOT NULL,
                    actor text NOT NULL,
                    state text NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed', 'needsOperator')),
                    -- The gateway's name for it, as soon as the gateway has it.
                    gateway_id text,
                    -- How often an operator has requested it again; each time has keys of its own.
                    round integer NOT NULL DEFAULT 0,
                    idempotency_key uuid NOT NULL,
                    key_spent_at timestamptz,
                    -- Since when the gateway may have been called in this round.
                    asked_at timestamptz,
                    detail text,
                    -- When it is looked at again while it is pending, and how often it was.
                    due_at timestamptz NOT NULL,
                    looks integer NOT NULL DEFAULT 0,
                    created_at timestamptz NOT NULL,
                    updated_at timestamptz NOT NULL
                );
                CREATE UNIQUE INDEX refunds_of_gateway ON refunds (order_id, gateway_id) WHERE gateway_id IS NOT NULL;
                CREATE INDEX refunds_by_order ON refunds (order_id, created_at, id);
                CREATE INDEX refunds_pending ON refunds (due_at) WHERE state = 'pending';
                CREATE INDEX refunds_refused ON refunds (updated_at) WHERE state = 'needsOperator';

                CREATE TABLE disputes (
                    order_id uuid NOT NULL,
                    id text NOT NULL,
                    amount bigint NOT NULL,
                    reason text NOT NULL,
                    outcome text NOT NULL CHECK (outcome IN ('open', 'won', 'lost')),
                    found_at timestamptz NOT NULL,
                    PRIMARY KEY (order_id, id)
                );
                CREATE INDEX disputes_open ON disputes (found_at) WHERE outcome = 'open';

                -- Money at the gateway that belongs to no order, or that is a second payment of one and could not be returned.
                CREATE TABLE unclaimed_payments (
                    intent_id text PRIMARY KEY,
                    order_id uuid NOT NULL,
                    amount bigint NOT NULL,
                    currency text NOT NULL,
                    detail text NOT NULL,
                    found_at timestamptz NOT NULL,
                    settled_at timestamptz
                );
                CREATE INDEX unclaimed_payments_open ON unclaimed_payments (found_at) WHERE settled_at IS NULL;
                """),
        Migration(
            id: "approvals, captures, decisions and comparisons",
            sql: """
                -- In one statement, so that the table is rewritten once.
                ALTER TABLE attempts
                    DROP CONSTRAINT attempts_state_check,
                    ADD CONSTRAINT attempts_state_check CHECK (state IN (
                        'begun', 'requiresAction', 'authorized', 'uncaptured', 'succeeded', 'declined', 'voided', 'refunded', 'needsOperator', 'settled')),
                    -- What the gateway has taken; nothing where that is the amount.
                    ADD COLUMN captured bigint,
                    -- What an operator has refunded without the gateway.
                    ADD COLUMN refunded_elsewhere bigint NOT NULL DEFAULT 0,
                    -- The gateway was asked to authorize only.
                    ADD COLUMN captured_later boolean NOT NULL DEFAULT false,
                    ADD COLUMN capture_requested boolean NOT NULL DEFAULT false,
                    ADD COLUMN capture_drives integer NOT NULL DEFAULT 0,
                    DROP COLUMN to_void_since,
                    ADD COLUMN to_void_since timestamptz GENERATED ALWAYS AS (
                        CASE WHEN void_requested AND state IN ('begun', 'requiresAction', 'authorized', 'uncaptured', 'succeeded') THEN updated_at END) STORED,
                    DROP COLUMN unresolved_since,
                    ADD COLUMN unresolved_since timestamptz GENERATED ALWAYS AS (
                        CASE WHEN state IN ('needsOperator', 'uncaptured') THEN updated_at END) STORED,
                    ADD COLUMN to_capture_since timestamptz GENERATED ALWAYS AS (
                        CASE WHEN capture_requested AND NOT void_requested AND state = 'authorized' THEN updated_at END) STORED,
                    -- Since when a payment waits for its customer's approval on the gateway's pages; nothing for all others, so that an attempt that changes keeps
                    -- its place on the page.
                    ADD COLUMN to_approve_since timestamptz GENERATED ALWAYS AS (
                        CASE WHEN gateway <> 'stripe' AND state = 'requiresAction' AND NOT void_requested THEN updated_at END) STORED,
                    -- How often the gateway was asked whether it is approved.
                    ADD COLUMN approval_looks integer NOT NULL DEFAULT 0;
                CREATE INDEX attempts_to_approve ON attempts (to_approve_since) WHERE to_approve_since IS NOT NULL;
                CREATE INDEX attempts_to_void ON attempts (to_void_since) WHERE to_void_since IS NOT NULL;
                CREATE INDEX attempts_unresolved ON attempts (unresolved_since) WHERE unresolved_since IS NOT NULL;
                CREATE INDEX attempts_to_capture ON attempts (to_capture_since) WHERE to_capture_since IS NOT NULL;
                -- For comparisons with the gateway's list, which is in the order of time.
                CREATE INDEX attempts_by_time ON attempts (created_at, order_id);

                -- How an operator has settled a refund that the gateway rejects.
                ALTER TABLE refunds ADD COLUMN settlement text CHECK (settlement IN ('refundedElsewhere', 'writtenOff', 'nothingLeft'));

                -- Who has decided what about money, and why. Rows are only added.
                CREATE TABLE settlements (
                    id uuid PRIMARY KEY,
                    kind text NOT NULL,
                    subject text NOT NULL,
                    order_id uuid NOT NULL,
                    amount bigint NOT NULL,
                    currency text NOT NULL,
                    settlement text NOT NULL CHECK (settlement IN ('refundedElsewhere', 'writtenOff')),
                    note text NOT NULL,
                    actor text NOT NULL,
                    at timestamptz NOT NULL
                );
                CREATE INDEX settlements_by_order ON settlements (order_id);

                -- Work that one process at a time does now and then: how far it has come, and its last result.
                CREATE TABLE periodic_work (
                    name text PRIMARY KEY,
                    position text,
                    result text,
                    done_at timestamptz,
                    leased_until timestamptz NOT NULL
                );
                """),
        Migration(
            id: "saved payment methods",
            sql: """
                ALTER TABLE attempts
                    -- The gateway's customer: whose saved method is charged, or for whom the method is to be saved.
                    ADD COLUMN gateway_customer text,
                    -- Our customer whose method is to be saved.
                    ADD COLUMN save_for uuid;

                -- Our customers at a gateway. A row without a gateway's id stays when a customer has left, so that a charge under way saves nothing.
                CREATE TABLE customers (
                    user_id uuid NOT NULL,
                    gateway text NOT NULL,
                    gateway_id text,
                    erased_at timestamptz,
                    PRIMARY KEY (user_id, gateway)
                );

                CREATE TABLE payment_methods (
                    id uuid PRIMARY KEY,
                    user_id uuid NOT NULL,
                    gateway text NOT NULL,
                    gateway_id text NOT NULL,
                    -- For display; the gateway has the rest.
                    brand text NOT NULL,
                    last4 text NOT NULL,
                    expiry_month integer,
                    expiry_year integer,
                    created_at timestamptz NOT NULL
                );
                CREATE INDEX payment_methods_by_user ON payment_methods (user_id, created_at, id);
                """),
        Migration(
            id: "replaced payment methods",
            sql: """
                ALTER TABLE payment_methods
                    -- When it last paid; nothing for one that was only saved.
                    ADD COLUMN used_at timestamptz,
                    -- Set when a newer one has replaced it: when the gateway is asked (again) to detach it.
                    ADD COLUMN detach_at timestamptz;
                CREATE INDEX payment_methods_by_gateway_id ON payment_methods (gateway_id);
                CREATE INDEX payment_methods_to_detach ON payment_methods (detach_at) WHERE detach_at IS NOT NULL;
                """),
    ]
}
