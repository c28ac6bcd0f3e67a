import PostgreSQL

extension Schema {
    /// The references of a letter. Letters of earlier versions are grouped by cause alone until ``Analysis`` has read them.
    static let analysis = Migration(
        id: "letters analysed",
        sql: """
            ALTER TABLE letters
                ADD COLUMN service text NOT NULL DEFAULT '',
                -- The default is for workers of the previous version, until they are replaced; such letters are analysed like older ones.
                ADD COLUMN group_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
                -- The version of the rules that the letter was analysed by; 0 for none.
                ADD COLUMN rules smallint NOT NULL DEFAULT 0,
                ADD COLUMN order_id uuid,
                ADD COLUMN order_number text,
                ADD COLUMN cart_id uuid,
                ADD COLUMN customer_id uuid,
                ADD COLUMN trace_id text,
                ADD COLUMN first_failed_at timestamptz NOT NULL DEFAULT now(),
                ADD COLUMN words tsvector,
                -- What a replay sends instead of the body.
                ADD COLUMN edited_body bytea,
                ADD COLUMN edited_by text,
                ADD COLUMN edited_at timestamptz,
                -- Whether an edited body was ever sent: from then on the original must not be.
                ADD COLUMN edit_sent boolean NOT NULL DEFAULT false;
            UPDATE letters
            SET service = split_part(queue, '.', 1), first_failed_at = first_seen_at,
                group_id = md5(concat_ws(E'\\n', split_part(queue, '.', 1), coalesce(operation, ''), cause))::uuid;
            ALTER TABLE letters
                DROP CONSTRAINT letters_state_check,
                ADD CONSTRAINT letters_state_check CHECK (state IN ('open', 'replayed', 'handled', 'discarded'));
            CREATE INDEX letters_to_analyse ON letters (id) WHERE rules = 0;
            """)

    static let groups = Migration(
        id: "groups",
        sql: """
            CREATE TABLE groups (
                -- Follows from service, operation, cause and text.
                id uuid PRIMARY KEY,
                service text NOT NULL,
                operation text,
                cause text NOT NULL,
                text text NOT NULL,
                first_seen_at timestamptz NOT NULL,
                last_seen_at timestamptz NOT NULL,
                -- Rows of group_orders.
                orders bigint NOT NULL DEFAULT 0,
                state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'muted', 'resolved')),
                name text,
                note text,
                replayed_at timestamptz,
                resolved_at timestamptz,
                returned text NOT NULL DEFAULT 'never' CHECK (returned IN ('never', 'replay', 'resolved'))
            );
            CREATE INDEX groups_newest ON groups (last_seen_at DESC, id DESC);

            -- Exact numbers of letters, so that no query has to count them.
            CREATE TABLE group_counts (
                group_id uuid NOT NULL,
                queue text NOT NULL,
                state text NOT NULL,
                letters bigint NOT NULL,
                PRIMARY KEY (group_id, queue, state)
            ) WITH (fillfactor = 50);

            -- How often messages died, by hour.
            CREATE TABLE group_hours (
                hour timestamptz NOT NULL,
                group_id uuid NOT NULL,
                deaths bigint NOT NULL,
                PRIMARY KEY (hour, group_id)
            ) WITH (fillfactor = 50);

            -- The orders that letters of a group have named.
            CREATE TABLE group_orders (
                group_id uuid NOT NULL,
                order_id uuid NOT NULL,
                PRIMARY KEY (group_id, order_id)
            );

            INSERT INTO groups (id, service, operation, cause, text, first_seen_at, last_seen_at)
            SELECT group_id, service, nullif(min(coalesce(operation, '')), ''), cause, '', min(first_seen_at), max(last_seen_at)
            FROM letters GROUP BY group_id, service, cause;
            INSERT INTO group_counts (group_id, queue, state, letters)
            SELECT group_id, queue, state, count(*) FROM letters GROUP BY group_id, queue, state;
            """)

    /// The indexes behind each part of the filter.
    static let searching = Migration(
        id: "letters found",
        sql: """
            DROP INDEX letters_causes;
            CREATE INDEX letters_open_service ON letters (service, last_seen_at DESC, id DESC) WHERE state = 'open';
            CREATE INDEX letters_open_operation ON letters (operation, last_seen_at DESC, id DESC) WHERE state = 'open';
            CREATE INDEX letters_open_cause ON letters (cause, last_seen_at DESC, id DESC) WHERE state = 'open';
            -- For all other combinations: groups and states with letters are looked up first.
            CREATE INDEX letters_group ON letters (group_id, state, last_seen_at DESC, id DESC);
            CREATE INDEX letters_not_open ON letters (state, last_seen_at DESC, id DESC) WHERE state <> 'open';
            CREATE INDEX letters_order ON letters (order_id, last_seen_at DESC, id DESC) WHERE order_id IS NOT NULL;
            CREATE INDEX letters_words ON letters USING gin (words);
            CREATE INDEX letters_settled ON letters (settled_at) WHERE settled_at IS NOT NULL;
            """)

    /// Triggers count, so whatever changes letters changes the counts in the same transaction.
    ///
    /// Rows of `groups` are locked before rows of `group_counts`, and each in the order of their keys, so that two transactions do not deadlock.
    static let counting = Migration(
        id: "letters counted",
        sql: """
            CREATE FUNCTION count_new_letters() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                INSERT INTO group_counts AS kept (group_id, queue, state, letters)
                SELECT group_id, queue, state, count(*) FROM now_there GROUP BY group_id, queue, state ORDER BY group_id, queue, state
                ON CONFLICT (group_id, queue, state) DO UPDATE SET letters = kept.letters + excluded.letters;
                RETURN NULL;
            END
            $$;
            CREATE FUNCTION count_changed_letters() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                PERFORM FROM groups
                WHERE id IN (SELECT now_there.group_id FROM now_there JOIN was_there USING (id) WHERE now_there.state = 'replayed' AND was_there.state <> 'replayed')
                ORDER BY id FOR UPDATE;
                IF FOUND THEN
                    UPDATE groups SET replayed_at = greatest(replayed_at, sent.at)
                    FROM (
                        SELECT now_there.group_id, max(now_there.settled_at) AS at
                        FROM now_there JOIN was_there USING (id)
                        WHERE now_there.state = 'replayed' AND was_there.state <> 'replayed'
                        GROUP BY now_there.group_id
                    ) AS sent
                    WHERE groups.id = sent.group_id;
                END IF;
                INSERT INTO group_counts AS kept (group_id, queue, state, letters)
                SELECT group_id, queue, state, sum(change)
                FROM (
                    SELECT group_id, queue, state, 1 AS change FROM now_there
                    UNION ALL SELECT group_id, queue, state, -1 FROM was_there
                ) AS changes
                GROUP BY group_id, queue, state HAVING sum(change) <> 0 ORDER BY group_id, queue, state
                ON CONFLICT (group_id, queue, state) DO UPDATE SET letters = kept.letters + excluded.letters;
                RETURN NULL;
            END
            $$;
            CREATE FUNCTION count_deleted_letters() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
            BEGIN
                INSERT INTO group_counts AS kept (group_id, queue, state, letters)
                SELECT group_id, queue, state, -count(*) FROM was_there GROUP BY group_id, queue, state ORDER BY group_id, queue, state
                ON CONFLICT (group_id, queue, state) DO UPDATE SET letters = kept.letters + excluded.letters;
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER letters_are_counted AFTER INSERT ON letters
                REFERENCING NEW TABLE AS now_there FOR EACH STATEMENT EXECUTE FUNCTION count_new_letters();
            CREATE TRIGGER changed_letters_are_counted AFTER UPDATE ON letters
                REFERENCING NEW TABLE AS now_there OLD TABLE AS was_there FOR EACH STATEMENT EXECUTE FUNCTION count_changed_letters();
            CREATE TRIGGER deleted_letters_are_counted AFTER DELETE ON letters
                REFERENCING OLD TABLE AS was_there FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_letters();
            """)

    /// The audit log also records what happens to groups and by jobs.
    static let wideAudit = Migration(
        id: "audit of groups and jobs",
        sql: """
            ALTER TABLE audit ALTER COLUMN letter_id DROP NOT NULL;
            ALTER TABLE audit ADD COLUMN group_id uuid, ADD COLUMN job_id uuid, ADD COLUMN detail text;
            -- Without the collector, which writes most of the rows.
            CREATE INDEX audit_people ON audit (number) WHERE actor <> 'collector';
            """)
}
