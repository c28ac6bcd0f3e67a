import PostgreSQL

enum Schema {
    static let migrations = [
        Migration(
            id: "notifications",
            sql: """
                CREATE TABLE notifications (
                    -- Follows from order, kind and channel: nothing is told twice.
                    id uuid PRIMARY KEY,
                    order_id uuid NOT NULL,
                    kind text NOT NULL,
                    channel text NOT NULL,
                    recipient text NOT NULL,
                    result text NOT NULL DEFAULT 'pending' CHECK (result IN ('pending', 'sent', 'failed')),
                    -- Why it failed.
                    detail text,
                    created_at timestamptz NOT NULL,
                    sent_at timestamptz
                );
                CREATE INDEX notifications_newest ON notifications (created_at DESC, id DESC);
                CREATE INDEX notifications_order ON notifications (order_id);
                """),
        Migration(
            id: "notifications in place",
            sql: """
                -- Room for a settled notification beside the pending one that it replaces.
                ALTER TABLE notifications SET (fillfactor = 60);
                -- Read from its end: new rows go where the last one went, which costs less than going to the front.
                DROP INDEX notifications_newest;
                CREATE INDEX notifications_newest ON notifications (created_at, id);
                """),
        Migration(
            id: "notifications about accounts",
            sql: """
                ALTER TABLE notifications ALTER COLUMN order_id DROP NOT NULL, ADD COLUMN user_id uuid;
                CREATE INDEX notifications_user ON notifications (user_id) WHERE user_id IS NOT NULL;
                """),
        Migration(
            id: "notifications that wait",
            sql: """
                -- Those whose latest attempt has failed. A table of its own: a condition on the result in an index of notifications would move each row when it is sent.
                CREATE TABLE waiting (
                    id uuid PRIMARY KEY,
                    channel text NOT NULL,
                    since timestamptz NOT NULL,
                    attempted_at timestamptz NOT NULL,
                    detail text NOT NULL
                );
                CREATE INDEX waiting_attempts ON waiting (attempted_at);
                """),
        Migration(
            id: "after the sending",
            sql: """
                ALTER TABLE notifications
                    -- What its carrier has reported: 'delivered' or 'undelivered'.
                    ADD COLUMN delivery text CHECK (delivery IN ('delivered', 'undelivered')),
                    ADD COLUMN delivery_detail text,
                    ADD COLUMN delivery_at timestamptz;
                -- What was sent to one address.
                CREATE INDEX notifications_recipient ON notifications (recipient, created_at, id);

                -- Addresses that refused a message, or where one did not arrive, until one does.
                CREATE TABLE unreachable (
                    channel text NOT NULL,
                    recipient text NOT NULL,
                    cause text NOT NULL,
                    detail text NOT NULL,
                    since timestamptz NOT NULL,
                    PRIMARY KEY (channel, recipient)
                );

                -- The channels that customers want, where they have said so.
                CREATE TABLE preferences (
                    user_id uuid PRIMARY KEY,
                    email boolean NOT NULL,
                    sms boolean NOT NULL,
                    -- Of the account's preferences: of two messages the one with the higher revision holds.
                    revision integer NOT NULL
                );
                """),
        Migration(
            id: "notifications that are sent again",
            sql: """
                ALTER TABLE notifications
                    -- The notification that it repeats, and who requested that.
                    ADD COLUMN repeats uuid,
                    ADD COLUMN requested_by text;
                """),
    ]
}
