import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "catalog",
            sql: """
                CREATE TABLE products (
                    id uuid PRIMARY KEY,
                    sku text NOT NULL UNIQUE,
                    slug text NOT NULL UNIQUE,
                    name text NOT NULL,
                    description text NOT NULL,
                    price integer NOT NULL CHECK (price >= 0),
                    currency text NOT NULL,
                    category text,
                    attributes jsonb NOT NULL,
                    images jsonb NOT NULL,
                    archived boolean NOT NULL DEFAULT false,
                    version integer NOT NULL DEFAULT 1,
                    created_at timestamptz NOT NULL,
                    updated_at timestamptz NOT NULL
                );
                CREATE INDEX products_by_name ON products (name, id) WHERE NOT archived;
                CREATE INDEX products_by_price ON products (price, id) WHERE NOT archived;
                CREATE INDEX products_by_age ON products (created_at DESC, id DESC) WHERE NOT archived;

                -- One row a SKU; the check is the last guard against selling what is not there.
                CREATE TABLE stock (
                    sku text PRIMARY KEY,
                    on_hand integer NOT NULL DEFAULT 0,
                    reserved integer NOT NULL DEFAULT 0,
                    CHECK (reserved >= 0 AND reserved <= on_hand)
                ) WITH (fillfactor = 50);

                -- What changed on_hand apart from sales: on_hand = sum of movements − committed reservations.
                CREATE TABLE stock_movements (
                    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    sku text NOT NULL,
                    delta integer NOT NULL,
                    reason text NOT NULL,
                    at timestamptz NOT NULL
                );

                -- One row an order, whatever came of it: a step that comes again gets the same answer, and one that comes
                -- after its compensation is refused.
                CREATE TABLE reservations (
                    order_id uuid PRIMARY KEY,
                    state text NOT NULL CHECK (state IN ('reserved', 'short', 'committed', 'released')),
                    skus text[] NOT NULL,
                    quantities integer[] NOT NULL,
                    at timestamptz NOT NULL
                ) WITH (fillfactor = 80);
                """),
        Migration(
            id: "reservations in place",
            sql: """
                -- Room for a settled reservation beside the one that it replaces, while that may still be read.
                ALTER TABLE reservations SET (fillfactor = 60);
                """),
        Migration(
            id: "products told apart",
            sql: """
                -- What is archived gives its SKU and its slug free.
                ALTER TABLE products DROP CONSTRAINT products_sku_key, DROP CONSTRAINT products_slug_key;
                CREATE UNIQUE INDEX products_sku ON products (sku) WHERE NOT archived;
                CREATE UNIQUE INDEX products_slug ON products (slug) WHERE NOT archived;

                -- Numbers keep the text that they were given with; jsonb writes 1e3 as 1000, and has no -0.
                ALTER TABLE products ALTER COLUMN attributes TYPE json USING attributes::json;

                -- What is compared has one spelling.
                UPDATE products SET name = normalize(name, NFC), description = normalize(description, NFC), category = normalize(category, NFC)
                WHERE name IS NOT NFC NORMALIZED OR description IS NOT NFC NORMALIZED OR category IS NOT NFC NORMALIZED;

                -- Counts what administrators change; sales leave it. (Not "version", which workers of the version before take for the products'.)
                ALTER TABLE stock ADD COLUMN revision integer NOT NULL DEFAULT 1;
                """),
    ]
}
