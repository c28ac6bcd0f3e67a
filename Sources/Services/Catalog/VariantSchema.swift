import PostgreSQL

extension Schema {
    /// Workers of the previous version read only images that are bare URLs.
    static let bareImages = Migration(
        id: "images without texts",
        sql: """
            UPDATE products
            SET images = (
                SELECT jsonb_agg(CASE WHEN image ? 'alt' THEN image ELSE image->'url' END ORDER BY place)
                FROM jsonb_array_elements(images) WITH ORDINALITY AS given (image, place))
            WHERE images <> '[]';
            """)

    static let variants = Migration(
        id: "variants",
        sql: """
            -- Each is a SKU of its own. A SKU is that of one product or variant that is not archived; the lock of products keeps the two tables apart.
            CREATE TABLE variants (
                product_id uuid NOT NULL REFERENCES products ON DELETE CASCADE,
                sku text NOT NULL,
                place integer NOT NULL,
                options json NOT NULL,
                -- NULL for the product's.
                price integer CHECK (price >= 0),
                archived boolean NOT NULL DEFAULT false,
                PRIMARY KEY (product_id, sku)
            );
            CREATE UNIQUE INDEX variants_sku ON variants (sku) WHERE NOT archived;
            -- What has variants is not sold itself. It stands here so that looking up a price need not look for variants.
            ALTER TABLE products ADD COLUMN has_variants boolean NOT NULL DEFAULT false;

            CREATE OR REPLACE FUNCTION refresh_search(ids uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
            BEGIN
                INSERT INTO product_search (product_id, archived, document)
                SELECT id, archived,
                       setweight(words(products.name), 'A') || setweight(words(brand), 'B') || setweight(words(sku), 'B')
                       || setweight(words((
                            SELECT string_agg(categories.name, ' ')
                            FROM unnest(products.categories) AS member (slug) JOIN categories USING (slug))), 'C')
                       || setweight(words((SELECT string_agg(value, ' ') FROM json_each_text(attributes))), 'C')
                       || setweight(words((
                            SELECT string_agg(value, ' ') FROM variants, json_each_text(options) WHERE variants.product_id = products.id)), 'C')
                       || setweight(words(description), 'D')
                       || array_to_tsvector(ARRAY[code_tag(sku)] || ARRAY(
                            SELECT attribute_tag(key, value) FROM json_each_text(attributes)
                            UNION
                            SELECT attribute_tag(key, value) FROM variants, json_each_text(options) WHERE variants.product_id = products.id
                            UNION
                            SELECT code_tag(variants.sku) FROM variants WHERE variants.product_id = products.id
                            UNION
                            SELECT code_tag(value) FROM json_each_text(attributes)
                            WHERE lower(key) IN ('gtin', 'ean', 'upc', 'isbn', 'barcode') AND char_length(value) BETWEEN 1 AND 100))
                FROM products
                WHERE id = ANY(ids)
                ON CONFLICT (product_id) DO UPDATE SET archived = excluded.archived, document = excluded.document;

                INSERT INTO brands (key, name)
                SELECT brand_key, min(brand) FROM products WHERE id = ANY(ids) AND brand IS NOT NULL GROUP BY brand_key ORDER BY brand_key
                ON CONFLICT DO NOTHING;

                -- Not codes and sizes: of those each letter counts.
                INSERT INTO search_words (word, neighbours)
                SELECT word, neighbours(word)
                FROM (
                    SELECT DISTINCT lexeme AS word FROM product_search, unnest(document)
                    WHERE product_id = ANY(ids) AND char_length(lexeme) BETWEEN 3 AND 40 AND lexeme !~ '[0-9@=]'
                ) AS new
                WHERE NOT EXISTS (SELECT FROM search_words WHERE search_words.word = new.word)
                ORDER BY word
                ON CONFLICT DO NOTHING;
            END
            $$;

            CREATE FUNCTION variants_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            DECLARE
                ids uuid[] := ARRAY(SELECT DISTINCT product_id FROM changed);
            BEGIN
                UPDATE products SET has_variants = NOT has_variants
                WHERE id = ANY(ids) AND has_variants <> EXISTS (SELECT FROM variants WHERE product_id = products.id);
                INSERT INTO stock (sku) SELECT sku FROM variants WHERE product_id = ANY(ids) ORDER BY sku ON CONFLICT DO NOTHING;
                PERFORM refresh_search(ids);
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER inserted_variants AFTER INSERT ON variants REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();
            CREATE TRIGGER updated_variants AFTER UPDATE ON variants REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();
            CREATE TRIGGER deleted_variants AFTER DELETE ON variants REFERENCING OLD TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION variants_changed();

            CREATE FUNCTION archive_variants() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                UPDATE variants SET archived = NEW.archived WHERE product_id = NEW.id;
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER archive_variants AFTER UPDATE OF archived ON products
            FOR EACH ROW WHEN (OLD.archived <> NEW.archived) EXECUTE FUNCTION archive_variants();
            """)
}
