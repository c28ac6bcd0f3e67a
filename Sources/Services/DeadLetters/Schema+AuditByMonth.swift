import PostgreSQL

extension Schema {
    /// The audit log by month, so that old months can be dropped, which is the only way in which entries end.
    static let auditByMonth = Migration(
        id: "audit by month",
        sql: """
            ALTER TABLE audit ALTER COLUMN number DROP IDENTITY;
            ALTER TABLE audit DROP CONSTRAINT audit_pkey;
            ALTER TABLE audit RENAME TO audit_so_far;
            ALTER INDEX audit_letter RENAME TO audit_so_far_letter;
            ALTER INDEX audit_people RENAME TO audit_so_far_people;

            CREATE TABLE audit (
                number bigint GENERATED ALWAYS AS IDENTITY,
                letter_id uuid,
                at timestamptz NOT NULL,
                actor text NOT NULL,
                action text NOT NULL,
                group_id uuid,
                job_id uuid,
                detail text
            ) PARTITION BY RANGE (at);
            CREATE INDEX audit_letter ON audit (letter_id, number);
            CREATE INDEX audit_newest ON audit (at, number);
            -- Without the collector, which writes most of the rows.
            CREATE INDEX audit_people ON audit (at, number) WHERE actor <> 'collector';
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
            -- For times without a month, which only a wrong clock gives.
            CREATE TABLE audit_other PARTITION OF audit DEFAULT;
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_other
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

            -- The entries so far become the present month.
            DO $$
            DECLARE
                month timestamptz := date_trunc('month', greatest(now(), (SELECT max(at) FROM audit_so_far)), 'UTC');
                name text := 'audit_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
            BEGIN
                EXECUTE format('ALTER TABLE audit_so_far RENAME TO %I', name);
                EXECUTE format('ALTER TABLE audit ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', name, month + interval '1 month');
                PERFORM setval(pg_get_serial_sequence('audit', 'number'), (SELECT coalesce(max(number), 0) + 1 FROM audit), false);
            END
            $$;

            -- Creates coming months and drops those that ended more than 25 months ago. It belongs to the administrator, like the log: the service may call it, and
            -- has no other way to remove entries.
            CREATE FUNCTION keep_audit() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' AS $$
            DECLARE
                home text := (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'audit'::regclass);
                month timestamptz;
                name text;
            BEGIN
                IF NOT pg_try_advisory_xact_lock(hashtextextended(home || 'audit', 0)) THEN
                    RETURN;
                END IF;
                FOR name IN
                    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                    WHERE inhparent = 'audit'::regclass AND relname ~ '^audit_[0-9]{6}$'
                      AND relname < 'audit_' || to_char((now() - interval '26 months') AT TIME ZONE 'UTC', 'YYYYMM')
                    ORDER BY relname
                LOOP
                    EXECUTE format('DROP TABLE %s.%I', home, name);
                END LOOP;
                FOR i IN 0..3 LOOP
                    month := date_trunc('month', now(), 'UTC') + i * interval '1 month';
                    name := home || '.audit_' || to_char(month AT TIME ZONE 'UTC', 'YYYYMM');
                    IF to_regclass(name) IS NULL THEN
                        BEGIN
                            EXECUTE format('CREATE TABLE %s PARTITION OF audit FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
                            EXECUTE format(
                                'CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                                name);
                            -- As on the whole log; the service's role inserts only through that.
                            IF session_user <> current_user THEN
                                EXECUTE format('GRANT SELECT ON %s TO %I', name, session_user);
                            END IF;
                        EXCEPTION WHEN check_violation THEN
                            -- A wrong clock has put entries of that month into audit_other, where the rest of the month joins them.
                            NULL;
                        END;
                    END IF;
                END LOOP;
            END
            $$;
            -- pg_catalog comes first: the function has the administrator's rights, and others can create functions in the schema.
            DO $$ BEGIN EXECUTE format('ALTER FUNCTION keep_audit() SET search_path = pg_catalog, %I, pg_temp', current_schema()); END $$;
            REVOKE ALL ON FUNCTION keep_audit() FROM PUBLIC;
            SELECT keep_audit();
            """)
}
