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
        Migration(
            id: "payments as the gateway has them",
            sql: """
                ALTER TABLE checkouts
                    -- Of the newest report from payments; 0 before the first.
                    ADD COLUMN payment_revision integer NOT NULL DEFAULT 0,
                    -- How often a step was asked for again, in all.
                    ADD COLUMN redrives integer NOT NULL DEFAULT 0;
                UPDATE checkouts SET payment_state = 'cancelled' WHERE phase = 'rejected' AND payment_state = 'pending';

                -- A cart is open again once its order is given up: of all orders of a cart one counts.
                ALTER TABLE orders
                    ADD COLUMN cart_reopened boolean NOT NULL DEFAULT false,
                    DROP CONSTRAINT orders_cart_id_key;
                CREATE UNIQUE INDEX orders_by_cart ON orders (cart_id) WHERE NOT cart_reopened;

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
            id: "customers who have left",
            sql: """
                -- Customers who are to be erased from their orders, from each once it has settled and is old enough.
                CREATE TABLE erasures (customer_id uuid PRIMARY KEY, due_at timestamptz NOT NULL);
                """),
        Migration(
            id: "after the checkout",
            sql: """
                ALTER TABLE checkouts
                    -- Shipments and returns, under the lock and the version of the saga: of a shipment and a cancellation one wins.
                    ADD COLUMN fulfilment jsonb,
                    ADD COLUMN shipping text CHECK (shipping IN ('partlyShipped', 'shipped', 'delivered')),
                    -- The order's placed_at, to list orders of a state by it.
                    ADD COLUMN listed_at timestamptz NOT NULL DEFAULT now();
                UPDATE checkouts SET listed_at = placed_at FROM orders WHERE id = order_id;
                -- The state as the API shows it; null while it is pending or confirmed, so that no index changes on the usual way of a checkout.
                ALTER TABLE checkouts ADD COLUMN outcome text GENERATED ALWAYS AS (
                    CASE
                        WHEN phase IN ('rejected', 'cancelled') THEN phase
                        WHEN phase = 'awaitingCustomer' THEN 'requiresAction'
                        WHEN reason IN ('cancelledByCustomer', 'cancelledByShop') THEN 'cancelled'
                        ELSE shipping
                    END) STORED;
                CREATE INDEX checkouts_by_outcome ON checkouts (outcome, listed_at, order_id);

                -- By the beginning of the address. Addresses are ASCII.
                CREATE INDEX orders_by_email ON orders (lower(email) text_pattern_ops, placed_at, id);
                -- Its list of what is pending is kept short, so that no order waits long for it.
                CREATE INDEX orders_by_sku ON orders USING gin (jsonb_path_query_array(lines, '$[*].sku') jsonb_path_ops) WITH (gin_pending_list_limit = 128);

                -- The order of each return.
                CREATE TABLE returns (id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders);
                """),
        Migration(
            id: "languages of orders",
            sql: """
                -- The language tag that its customer is written to in, where it is known.
                ALTER TABLE orders ADD COLUMN locale text;
                """),
        Migration(
            id: "notes at orders",
            sql: """
                CREATE TABLE order_notes (
                    id uuid PRIMARY KEY,
                    order_id uuid NOT NULL REFERENCES orders,
                    written_at timestamptz NOT NULL,
                    -- The administrator's id.
                    author text NOT NULL,
                    text text NOT NULL
                );
                CREATE INDEX order_notes_by_order ON order_notes (order_id, written_at, id);
                """),
        Migration(
            id: "orders by SKU",
            sql: """
                -- An index of the lines' JSON finds the orders of a SKU in no order of time: all those of a best-seller would be sorted for a page of them.
                -- Filled by a trigger, so that workers of the version before fill it, too.
                CREATE TABLE order_skus (
                    sku text NOT NULL,
                    placed_at timestamptz NOT NULL,
                    order_id uuid NOT NULL,
                    PRIMARY KEY (sku, placed_at, order_id)
                );
                CREATE FUNCTION list_skus() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
                BEGIN
                    INSERT INTO order_skus SELECT DISTINCT line ->> 'sku', placed_at, id FROM placed, jsonb_array_elements(lines) AS line;
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER list_skus AFTER INSERT ON orders REFERENCING NEW TABLE AS placed FOR EACH STATEMENT EXECUTE FUNCTION list_skus();
                """),
        Migration(
            id: "orders by SKU, those of before",
            sql: """
                -- In a transaction of its own: the one that creates the trigger keeps every checkout waiting, and this takes minutes for millions of orders.
                INSERT INTO order_skus SELECT DISTINCT line ->> 'sku', placed_at, id FROM orders, jsonb_array_elements(lines) AS line
                ON CONFLICT DO NOTHING;
                """),
        Migration(
            id: "orders by SKU, without their old index",
            sql: """
                DROP INDEX orders_by_sku;
                """),
        Migration(
            id: "checkouts for operators",
            sql: """
                -- The message that placed the order, from which its messages can be followed. Null for orders that earlier versions placed.
                ALTER TABLE orders ADD COLUMN placed_by uuid;

                CREATE TABLE checkout_assignments (
                    order_id uuid PRIMARY KEY REFERENCES orders,
                    -- Null once the assignment has been removed.
                    assignee text,
                    assigned_at timestamptz NOT NULL,
                    assigned_by text NOT NULL
                );
                -- What operators did to checkouts, and who did it.
                CREATE TABLE checkout_actions (
                    number bigint GENERATED ALWAYS AS IDENTITY,
                    order_id uuid NOT NULL REFERENCES orders,
                    at timestamptz NOT NULL,
                    actor text NOT NULL,
                    action text NOT NULL,
                    detail text,
                    message_id uuid NOT NULL,
                    PRIMARY KEY (order_id, number)
                );
                """),
        Migration(
            id: "running checkouts by age",
            sql: """
                -- Checkouts that have not ended, oldest first. Its columns change only when those of checkouts_due do, so steps still stay on their page.
                CREATE INDEX checkouts_running ON checkouts (listed_at, order_id) WHERE due_minute IS NOT NULL;
                -- Checkouts whose step was repeated without an answer: only a few.
                CREATE INDEX checkouts_stuck ON checkouts (listed_at, order_id) WHERE due_minute IS NOT NULL AND drives >= 3;
                """),
        Migration(
            id: "orders by total",
            sql: """
                CREATE INDEX orders_by_total ON orders (total, placed_at, id);
                """),
    ]
}
