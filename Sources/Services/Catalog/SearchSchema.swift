import PostgreSQL

extension Schema {
    /// The search index. Triggers maintain it, in `product_search` and related tables, so that code that writes products need not know of it, and
    /// a change of price or stock does not touch it.
    static let search = Migration(
        id: "search",
        sql: """
            -- The text as words of lower-case letters and digits, without accents and forms of letters; Chinese, Japanese and Korean one character a word.
            -- The locale of the database plays no part.
            CREATE FUNCTION fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
            BEGIN
                IF octet_length(value) = char_length(value) THEN
                    RETURN btrim(regexp_replace(lower(value COLLATE "C"), '[^a-z0-9]+', ' ', 'g'));
                END IF;
                value := translate(lower(normalize(value, NFKD) COLLATE "und-x-icu"), 'øđłıςð', 'odliσd');
                value := replace(replace(replace(replace(value, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
                -- Marks above and below letters, Hebrew points, Arabic vowels.
                value := normalize(regexp_replace(
                    value, '[\\u0300-\\u036F\\u0591-\\u05BD\\u05BF\\u05C1\\u05C2\\u0610-\\u061A\\u064B-\\u065F\\u0670]+', '', 'g'), NFC);
                value := regexp_replace(value, '([\\u3040-\\u30FF\\u3400-\\u9FFF\\uAC00-\\uD7AF])', ' \\1 ', 'g');
                -- In the scripts of India and of South-East Asia marks are part of a word.
                RETURN btrim(regexp_replace(value COLLATE "und-x-icu", '[^[:alnum:]\\u0900-\\u109F\\u1780-\\u17FF]+', ' ', 'g'));
            END
            $$;

            CREATE FUNCTION words(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN to_tsvector('pg_catalog.simple', coalesce(fold(value), ''));

            -- Brands that read alike are one.
            CREATE FUNCTION brand_key(brand text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN coalesce(nullif(replace(fold(brand), ' ', '-'), ''), brand);

            -- Lexemes that no word can be: '=' and a SKU or a GTIN, '@' and an attribute with its value.
            CREATE FUNCTION code_tag(code text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN '=' || lower(code COLLATE "C");

            CREATE FUNCTION attribute_tag(name text, value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN '@' || CASE WHEN octet_length(name) + octet_length(value) < 200 THEN name || '=' || value ELSE md5(name || '=' || value) END;

            -- The word, and what is left of it without any one of its letters: words that share one of these differ in a letter or two. Unlike trigrams it finds
            -- every wrong, missing, surplus or swapped letter, in short words too, and it needs no extension.
            CREATE FUNCTION neighbours(word text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
            RETURN ARRAY(SELECT DISTINCT overlay(word PLACING '' FROM place FOR 1) FROM generate_series(1, char_length(word)) AS place) || word;

            -- Each order paid for it, while sales of a SKU are looked up rarely.
            DROP INDEX reservations_by_sku;

            -- Images are objects from here on.
            UPDATE products
            SET images = (
                SELECT jsonb_agg(CASE jsonb_typeof(image) WHEN 'string' THEN jsonb_build_object('url', image) ELSE image END ORDER BY place)
                FROM jsonb_array_elements(images) WITH ORDINALITY AS given (image, place))
            WHERE images <> '[]';

            ALTER TABLE products ADD COLUMN brand_key text GENERATED ALWAYS AS (brand_key(brand)) STORED;
            ALTER TABLE categories ADD COLUMN folded text GENERATED ALWAYS AS (fold(name)) STORED;
            CREATE INDEX products_by_brand ON products (brand_key, name, id) WHERE NOT archived;

            -- Every brand there ever was, as it was first written.
            CREATE TABLE brands (key text PRIMARY KEY, name text NOT NULL, folded text GENERATED ALWAYS AS (fold(name)) STORED);
            -- Name is A, brand and SKU are B, categories and attributes C, description D.
            CREATE TABLE product_search (
                product_id uuid PRIMARY KEY REFERENCES products ON DELETE CASCADE,
                archived boolean NOT NULL,
                document tsvector NOT NULL
            );
            -- What is pending is read whole by each search, so it is kept short.
            CREATE INDEX product_search_document ON product_search USING gin (document) WITH (gin_pending_list_limit = 256);
            -- The words of all products: what a word that nobody wrote may have been meant for.
            CREATE TABLE search_words (word text PRIMARY KEY, neighbours text[] NOT NULL);
            CREATE INDEX search_words_neighbours ON search_words USING gin (neighbours);
            -- Words that are found by each other. `words` is the term folded.
            CREATE TABLE synonyms (
                group_number integer NOT NULL,
                place integer NOT NULL,
                term text NOT NULL,
                words text NOT NULL GENERATED ALWAYS AS (fold(term)) STORED,
                PRIMARY KEY (group_number, place)
            );

            CREATE FUNCTION refresh_search(ids uuid[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT SET enable_seqscan = off AS $$
            BEGIN
                INSERT INTO product_search (product_id, archived, document)
                SELECT id, archived,
                       setweight(words(products.name), 'A') || setweight(words(brand), 'B') || setweight(words(sku), 'B')
                       || setweight(words((
                            SELECT string_agg(categories.name, ' ')
                            FROM unnest(products.categories) AS member (slug) JOIN categories USING (slug))), 'C')
                       || setweight(words((SELECT string_agg(value, ' ') FROM json_each_text(attributes))), 'C')
                       || setweight(words(description), 'D')
                       || array_to_tsvector(ARRAY[code_tag(sku)] || ARRAY(
                            SELECT attribute_tag(key, value) FROM json_each_text(attributes)
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

            -- From here on the categories that products bring along are made once for each statement, below.
            CREATE OR REPLACE FUNCTION place_product() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    IF NEW.categories = '{}' AND NEW.category IS NOT NULL THEN NEW.categories := ARRAY[NEW.category]; END IF;
                ELSIF NEW.category IS DISTINCT FROM OLD.category AND NEW.categories = OLD.categories THEN
                    NEW.categories := CASE WHEN NEW.category IS NULL THEN '{}'
                        ELSE NEW.category || array_remove(array_remove(OLD.categories, OLD.category), NEW.category) END;
                END IF;
                NEW.category := NEW.categories[1];
                RETURN NEW;
            END
            $$;

            CREATE FUNCTION make_categories(slugs text[]) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                INSERT INTO categories (slug, name)
                SELECT slug, slug FROM unnest(slugs) AS wanted (slug)
                WHERE NOT EXISTS (SELECT FROM categories WHERE categories.slug = wanted.slug)
                ORDER BY slug
                ON CONFLICT DO NOTHING;
            END
            $$;

            CREATE FUNCTION products_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                PERFORM make_categories(ARRAY(SELECT DISTINCT unnest(categories) FROM changed));
                PERFORM refresh_search(ARRAY(SELECT id FROM changed));
                RETURN NULL;
            END
            $$;
            CREATE FUNCTION products_updated() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            DECLARE
                ids uuid[] := ARRAY(
                    SELECT id FROM changed JOIN before USING (id)
                    WHERE (changed.name, changed.brand, changed.sku, changed.categories, changed.description, changed.archived, changed.attributes::text)
                        IS DISTINCT FROM (before.name, before.brand, before.sku, before.categories, before.description, before.archived, before.attributes::text));
            BEGIN
                IF ids <> '{}' THEN
                    PERFORM make_categories(ARRAY(SELECT DISTINCT unnest(categories) FROM changed));
                    PERFORM refresh_search(ids);
                END IF;
                RETURN NULL;
            END
            $$;
            CREATE FUNCTION category_renamed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                PERFORM refresh_search(ARRAY(SELECT id FROM products WHERE categories @> ARRAY[NEW.slug]));
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER inserted_search AFTER INSERT ON products REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION products_inserted();
            CREATE TRIGGER updated_search AFTER UPDATE ON products REFERENCING OLD TABLE AS before NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION products_updated();
            CREATE TRIGGER renamed_search AFTER UPDATE ON categories
            FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION category_renamed();

            SELECT refresh_search(ARRAY(SELECT id FROM products));
            """)
}
