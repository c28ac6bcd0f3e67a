import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "letters",
            sql: """
                CREATE TABLE letters (
                    -- Follows from the message's id, its queue and its body: one row a message, however often it comes.
                    id uuid PRIMARY KEY,
                    -- The last deliveries that were counted, so that one that comes again is not.
                    occurrences bytea[] NOT NULL,
                    seen integer NOT NULL,
                    -- As it came: it need not be a UUID.
                    message_id text,
                    operation text,
                    queue text NOT NULL,
                    cause text NOT NULL,
                    detail text NOT NULL,
                    attempts integer NOT NULL,
                    history jsonb NOT NULL,
                    -- For people and for queries.
                    properties jsonb NOT NULL,
                    headers jsonb NOT NULL,
                    -- What a replay is made from.
                    original bytea NOT NULL,
                    body bytea NOT NULL,
                    -- Larger than the body where that had to be cut.
                    body_bytes bigint NOT NULL,
                    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
                    first_seen_at timestamptz NOT NULL,
                    last_seen_at timestamptz NOT NULL,
                    settled_at timestamptz,
                    settled_by text
                );
                CREATE INDEX letters_newest ON letters (last_seen_at DESC, id DESC);
                CREATE INDEX letters_open ON letters (last_seen_at DESC, id DESC) WHERE state = 'open';
                CREATE INDEX letters_causes ON letters (state, cause, queue);
                """),
        Migration(
            id: "audit",
            sql: """
                CREATE TABLE audit (
                    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    letter_id uuid NOT NULL,
                    at timestamptz NOT NULL,
                    actor text NOT NULL,
                    action text NOT NULL
                );
                CREATE INDEX audit_letter ON audit (letter_id, number);

                CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'the audit log is never changed';
                END
                $$;
                CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
                """),
        analysis, groups, searching, counting, wideAudit, aliases,
    ]
}
