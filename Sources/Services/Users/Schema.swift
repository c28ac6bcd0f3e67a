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
    ]
}
