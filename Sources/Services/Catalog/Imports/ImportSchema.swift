import PostgreSQL

extension Schema {
    static let imports = Migration(
        id: "imports",
        sql: """
            -- Files on their way in, and until they have been read.
            CREATE TABLE import_pieces (
                upload uuid NOT NULL,
                place bigint NOT NULL,
                data bytea NOT NULL,
                at timestamptz NOT NULL,
                PRIMARY KEY (upload, place)
            );
            CREATE INDEX import_pieces_by_age ON import_pieces (at) WHERE place = 0;

            CREATE TABLE imports (
                id uuid PRIMARY KEY,
                kind text NOT NULL,
                dry_run boolean NOT NULL,
                mark text,
                currency text,
                bytes bigint NOT NULL,
                state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
                -- How far the file has been read; whoever reads on begins here.
                reader json NOT NULL,
                step integer NOT NULL DEFAULT 0,
                row_count integer NOT NULL DEFAULT 0,
                accepted integer NOT NULL DEFAULT 0,
                changed integer NOT NULL DEFAULT 0,
                rejected integer NOT NULL DEFAULT 0,
                failure text,
                by uuid,
                started_at timestamptz NOT NULL,
                moved_at timestamptz NOT NULL,
                finished_at timestamptz
            );
            CREATE INDEX imports_running ON imports (moved_at) WHERE state = 'running';
            CREATE INDEX imports_by_end ON imports (finished_at);

            -- What the rows so far were known by: no other row of the file may have it.
            CREATE TABLE import_keys (
                import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
                key text NOT NULL,
                line integer NOT NULL,
                PRIMARY KEY (import_id, key)
            );
            CREATE TABLE import_rejections (
                import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
                number integer NOT NULL,
                line integer NOT NULL,
                column_name text,
                value text,
                reason text NOT NULL,
                PRIMARY KEY (import_id, number)
            );
            """)

    static let unlistedRejections = Migration(
        id: "unlisted rejections",
        sql: """
            -- What was wrong with rows beyond what import_rejections keeps.
            ALTER TABLE imports ADD COLUMN unlisted integer NOT NULL DEFAULT 0;
            """)

    static let listedImports = Migration(
        id: "imports listed",
        sql: """
            CREATE INDEX imports_by_start ON imports (started_at DESC, id DESC);

            -- Products whose variants stand in rows of their own, behind them.
            CREATE TABLE import_parents (
                import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
                sku text NOT NULL,
                -- What rows of variants may call it, too.
                reference text,
                line integer NOT NULL,
                cells json NOT NULL,
                used boolean NOT NULL,
                PRIMARY KEY (import_id, sku)
            );
            CREATE INDEX import_parents_by_reference ON import_parents (import_id, reference);
            """)

    static let fasterImports = Migration(
        id: "imports with less work",
        sql: """
            -- It costs a check for each row of a file, and is not needed: rows are deleted when their import ends, and only imports that have ended are deleted.
            ALTER TABLE import_keys DROP CONSTRAINT import_keys_import_id_fkey;
            -- A step reads a part of a piece; a compressed piece would have to be unpacked each time.
            ALTER TABLE import_pieces ALTER COLUMN data SET STORAGE EXTERNAL;

            -- Not called where it would change nothing, as for every imported product.
            DROP TRIGGER place_product ON products;
            CREATE TRIGGER place_product BEFORE INSERT OR UPDATE OF category, categories ON products
            FOR EACH ROW WHEN (NEW.category IS DISTINCT FROM NEW.categories[1]) EXECUTE FUNCTION place_product();
            """)

    static let inlinedBrandKeys = Migration(
        id: "brand keys without a call",
        sql: """
            -- The same result as before. PostgreSQL calls a strict function whose body is not strict, and inlines this one: that is a tenth of what a product costs.
            CREATE OR REPLACE FUNCTION brand_key(brand text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN CASE WHEN brand IS NOT NULL THEN coalesce(nullif(replace(fold(brand), ' ', '-'), ''), brand) END;
            """)
}
