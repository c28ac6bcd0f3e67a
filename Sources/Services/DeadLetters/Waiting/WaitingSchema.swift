import PostgreSQL

extension Schema {
    static let waiting = Migration(
        id: "messages on the retry ladder",
        sql: """
            -- What workers have announced. Rows live for minutes, and losing them after a crash only hides messages, so they are not written to the log.
            CREATE UNLOGGED TABLE waiting (
                -- Follows from the message's id and its queue.
                id uuid PRIMARY KEY,
                service text NOT NULL,
                queue text NOT NULL,
                operation text,
                message_id text,
                cause text NOT NULL,
                detail text NOT NULL,
                attempt integer NOT NULL,
                since timestamptz NOT NULL,
                set_aside_at timestamptz NOT NULL,
                due_at timestamptz NOT NULL,
                order_id uuid,
                order_number text,
                cart_id uuid,
                customer_id uuid,
                trace_id text,
                -- What an early copy is made from; null where none can be sent.
                copy bytea,
                -- When an operator has had a copy sent.
                sent_at timestamptz,
                -- Whether that copy has yet to be sent.
                is_to_send boolean NOT NULL DEFAULT false
            ) WITH (fillfactor = 70);
            CREATE INDEX waiting_due ON waiting (due_at, id);
            CREATE INDEX waiting_to_send ON waiting (due_at) WHERE is_to_send;
            """)
}
