import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "accounts",
            sql: """
                CREATE TABLE accounts (
                    id uuid PRIMARY KEY,
                    email text NOT NULL,
                    -- The address in lower case: one account an address.
                    email_key text NOT NULL,
                    name text NOT NULL,
                    -- scrypt, with its salt and its work factors.
                    password_hash text NOT NULL,
                    role text NOT NULL CHECK (role IN ('customer', 'admin')),
                    verified boolean NOT NULL DEFAULT false,
                    disabled boolean NOT NULL DEFAULT false,
                    created_at timestamptz NOT NULL,
                    CONSTRAINT accounts_email_key UNIQUE (email_key)
                );
                """),
        Migration(
            id: "sessions",
            sql: """
                -- A session that was ended has no row.
                CREATE TABLE sessions (
                    -- SHA-256 of the token; the token itself is stored nowhere.
                    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
                    id uuid NOT NULL,
                    user_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
                    created_at timestamptz NOT NULL,
                    expires_at timestamptz NOT NULL
                );
                CREATE INDEX sessions_user ON sessions (user_id, created_at DESC, id DESC);
                """),
        Migration(
            id: "renewed password hashes",
            sql: """
                -- SHA-256 of the hash of the same password that the present one has replaced: a sign-in that has verified that one meanwhile is as good.
                ALTER TABLE accounts ADD COLUMN renewed_from bytea;
                """),
        Migration(
            id: "profiles",
            sql: """
                ALTER TABLE accounts ADD COLUMN locale text;
                -- What administrators search: the beginning of an address, words of a name; and their list, newest first.
                CREATE INDEX accounts_email_prefix ON accounts (email_key text_pattern_ops);
                CREATE INDEX accounts_name_words ON accounts USING gin (to_tsvector('simple', name));
                CREATE INDEX accounts_newest ON accounts (created_at DESC, id DESC);
                """),
        Migration(
            id: "session sightings",
            sql: """
                -- Null in sessions of an earlier version that have not been seen since.
                ALTER TABLE sessions ADD COLUMN last_seen_at timestamptz, ADD COLUMN user_agent text, ADD COLUMN address text;
                """),
        Migration(
            id: "links",
            sql: """
                -- The last link of each purpose that an account was sent by mail.
                CREATE TABLE links (
                    user_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
                    purpose text NOT NULL,
                    id uuid NOT NULL UNIQUE,
                    -- Where it was sent; for a change of address the new one.
                    email text NOT NULL,
                    -- SHA-256 of the token in the mail; null before the mail is sent, and once the link is used.
                    token_hash bytea UNIQUE CHECK (length(token_hash) = 32),
                    created_at timestamptz NOT NULL,
                    expires_at timestamptz NOT NULL,
                    -- How many were asked for since then.
                    counted_since timestamptz NOT NULL,
                    count integer NOT NULL,
                    PRIMARY KEY (user_id, purpose)
                );
                """),
        Migration(
            id: "addresses",
            sql: """
                CREATE TABLE addresses (
                    id uuid PRIMARY KEY,
                    user_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
                    label text,
                    name text NOT NULL,
                    company text,
                    line1 text NOT NULL,
                    line2 text,
                    city text NOT NULL,
                    region text,
                    postal_code text,
                    country text NOT NULL,
                    phone text,
                    is_default_shipping boolean NOT NULL,
                    is_default_billing boolean NOT NULL,
                    created_at timestamptz NOT NULL
                );
                CREATE INDEX addresses_user ON addresses (user_id, created_at, id);
                """),
        Migration(
            id: "erasures",
            sql: """
                -- Which services have erased what they held about customers who have left.
                CREATE TABLE erasures (
                    user_id uuid NOT NULL,
                    service text NOT NULL,
                    requested_at timestamptz NOT NULL,
                    asked_at timestamptz NOT NULL,
                    -- Null until the service has answered.
                    done_at timestamptz,
                    PRIMARY KEY (user_id, service)
                );
                CREATE INDEX erasures_open ON erasures (asked_at) WHERE done_at IS NULL;
                """),
        Migration(
            id: "channels of notifications",
            sql: """
                ALTER TABLE accounts
                    ADD COLUMN notify_by_email boolean NOT NULL DEFAULT true,
                    ADD COLUMN notify_by_sms boolean NOT NULL DEFAULT true,
                    ADD COLUMN preferences_revision integer NOT NULL DEFAULT 0;
                """),
    ]
}
