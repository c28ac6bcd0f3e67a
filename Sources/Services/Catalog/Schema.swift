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
        Migration(
            id: "categories",
            sql: """
                -- Slugs that products brought along are kept to the letter, so a slug may be any text.
                CREATE TABLE categories (
                    slug text PRIMARY KEY,
                    name text NOT NULL,
                    parent text REFERENCES categories CHECK (parent <> slug)
                );
                CREATE INDEX categories_by_parent ON categories (parent);

                -- `category` is the first of `categories`.
                ALTER TABLE products ADD COLUMN brand text, ADD COLUMN categories text[] NOT NULL DEFAULT '{}';
                UPDATE products SET categories = ARRAY[category] WHERE category IS NOT NULL;
                INSERT INTO categories (slug, name) SELECT DISTINCT category, category FROM products WHERE category IS NOT NULL;
                CREATE INDEX products_by_category ON products USING gin (categories) WHERE NOT archived;

                -- Also for workers of the version before, and for tools, which know one category only.
                CREATE FUNCTION place_product() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
                BEGIN
                    IF TG_OP = 'INSERT' THEN
                        IF NEW.categories = '{}' AND NEW.category IS NOT NULL THEN NEW.categories := ARRAY[NEW.category]; END IF;
                    ELSIF NEW.category IS DISTINCT FROM OLD.category AND NEW.categories = OLD.categories THEN
                        NEW.categories := CASE WHEN NEW.category IS NULL THEN '{}'
                            ELSE NEW.category || array_remove(array_remove(OLD.categories, OLD.category), NEW.category) END;
                    END IF;
                    NEW.category := NEW.categories[1];
                    INSERT INTO categories (slug, name)
                    SELECT DISTINCT slug, slug AS name FROM unnest(NEW.categories) AS member (slug)
                    WHERE NOT EXISTS (SELECT FROM categories WHERE categories.slug = member.slug)
                    ORDER BY slug
                    ON CONFLICT DO NOTHING;
                    RETURN NEW;
                END
                $$;
                CREATE TRIGGER place_product BEFORE INSERT OR UPDATE OF category, categories ON products
                FOR EACH ROW EXECUTE FUNCTION place_product();

                -- Rows of versions before have neither: theirs are told apart by their reason.
                ALTER TABLE stock_movements ADD COLUMN kind text, ADD COLUMN by uuid;
                CREATE INDEX stock_movements_by_sku ON stock_movements (sku, at, id);
                -- Finds the sales of a SKU. Its list of what is pending is kept short, so that no order waits long for it.
                CREATE INDEX reservations_by_sku ON reservations USING gin (skus) WITH (gin_pending_list_limit = 128);
                """),
        search,
        variants,
        bareImages,
        imports,
        lowStock,
        unlistedRejections,
        fasterSearchDocuments,
        comingBack,
        listedImports,
        laterSearchDocuments,
        reservationSweep,
        fasterImports,
        inlinedBrandKeys,
    ]
}
