import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "orders",
            sql: """
                CREATE SEQUENCE order_numbers START 100001;

                -- What was ordered: written once.
                CREATE TABLE orders (
                    id uuid PRIMARY KEY,
                    number text NOT NULL UNIQUE,
                    cart_id uuid NOT NULL UNIQUE,
                    customer_id uuid,
                    email text NOT NULL,
                    shipping_address jsonb NOT NULL,
                    payment jsonb NOT NULL,
                    lines jsonb NOT NULL,
                    total bigint NOT NULL CHECK (total >= 0),
                    currency text NOT NULL,
                    placed_at timestamptz NOT NULL
                );
                CREATE INDEX orders_by_customer ON orders (customer_id, placed_at DESC, id DESC) WHERE customer_id IS NOT NULL;
                CREATE INDEX orders_by_time ON orders (placed_at DESC, id DESC);

                -- Where the saga stands: one narrow row an order, locked for each transition.
                CREATE TABLE checkouts (
                    order_id uuid PRIMARY KEY REFERENCES orders,
                    phase text NOT NULL,
                    reason text,
                    payment_state text NOT NULL DEFAULT 'pending',
                    client_secret text,
                    refunded bigint NOT NULL DEFAULT 0,
                    drives integer NOT NULL DEFAULT 0,
                    due_at timestamptz,
                    version integer NOT NULL DEFAULT 1,
                    history jsonb NOT NULL
                ) WITH (fillfactor = 70);
                CREATE INDEX checkouts_due ON checkouts (due_at) WHERE due_at IS NOT NULL;

                -- Requesters who wait for an order to settle; gone when it has.
                CREATE TABLE waiters (
                    order_id uuid NOT NULL REFERENCES orders,
                    reply_to text NOT NULL,
                    correlation_id text NOT NULL,
                    until timestamptz NOT NULL,
                    PRIMARY KEY (order_id, correlation_id)
                );
                CREATE INDEX waiters_until ON waiters (until);
                """),
        Migration(
            id: "checkouts in place",
            sql: """
                -- A deadline moves by seconds at each step, its minute hardly ever: no index changes, so that a step's new row takes the place of the
                -- one before it on its page. Checkouts are looked for by the minute.
                ALTER TABLE checkouts
                    ADD COLUMN due_minute timestamp GENERATED ALWAYS AS (date_trunc('minute', due_at AT TIME ZONE 'UTC')) STORED,
                    SET (fillfactor = 50);
                DROP INDEX checkouts_due;
                CREATE INDEX checkouts_due ON checkouts (due_minute) WHERE due_minute IS NOT NULL;

                -- Read from its end: new rows go where the last one went, which costs less than going to the front.
                DROP INDEX orders_by_time;
                CREATE INDEX orders_by_time ON orders (placed_at, id);
                """),
    ]
}
