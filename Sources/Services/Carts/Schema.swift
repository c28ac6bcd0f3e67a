import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "carts",
            sql: """
                CREATE TABLE carts (
                    id uuid PRIMARY KEY,
                    customer_id uuid,
                    -- Set once: from then on the cart is closed.
                    order_id uuid UNIQUE,
                    version integer NOT NULL DEFAULT 1,
                    expires_at timestamptz NOT NULL
                );
                CREATE UNIQUE INDEX carts_current ON carts (customer_id) WHERE customer_id IS NOT NULL AND order_id IS NULL;
                CREATE INDEX carts_expiry ON carts (expires_at) WHERE order_id IS NULL;

                CREATE TABLE cart_items (
                    cart_id uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
                    sku text NOT NULL,
                    name text NOT NULL,
                    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
                    unit_price integer NOT NULL,
                    currency text NOT NULL,
                    PRIMARY KEY (cart_id, sku)
                );
                """),
        Migration(
            id: "reopened carts",
            sql: """
                -- Open under its id, while another cart is the customer's current one.
                ALTER TABLE carts ADD COLUMN is_aside boolean NOT NULL DEFAULT false;
                DROP INDEX carts_current;
                CREATE UNIQUE INDEX carts_current ON carts (customer_id) WHERE customer_id IS NOT NULL AND order_id IS NULL AND NOT is_aside;
                """),
        Migration(
            id: "carts in place",
            sql: """
                -- Room for the next version of a row beside the one that it replaces.
                ALTER TABLE carts SET (fillfactor = 70);
                ALTER TABLE cart_items SET (fillfactor = 90);
                """),
    ]
}
