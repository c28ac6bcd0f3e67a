import PostgreSQL

extension Schema {
    static let jobs = [
        Migration(
            id: "jobs",
            sql: """
                CREATE TABLE jobs (
                    id uuid PRIMARY KEY,
                    state text NOT NULL,
                    -- What was ordered, and how far it has come.
                    job_order json NOT NULL,
                    course json NOT NULL,
                    -- The number of the next step. A message for an earlier one does nothing.
                    step bigint NOT NULL DEFAULT 0,
                    -- When the next step is due; null after the last one. A worker that takes a step postpones it, so that no other worker takes it.
                    due_at timestamptz,
                    started_at timestamptz NOT NULL,
                    finished_at timestamptz
                );
                CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL;
                CREATE INDEX jobs_newest ON jobs (started_at DESC, id DESC);

                -- The letters that a job has selected, and their outcomes.
                CREATE TABLE job_letters (
                    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
                    letter_id uuid NOT NULL,
                    -- In the order in which they died.
                    place bigint GENERATED ALWAYS AS IDENTITY,
                    -- How often the letter had died when it was selected: the job acts on that death and no later one.
                    seen integer NOT NULL,
                    state text NOT NULL DEFAULT 'waiting',
                    acted_at timestamptz,
                    PRIMARY KEY (job_id, letter_id)
                );
                CREATE INDEX job_letters_waiting ON job_letters (job_id, place) WHERE state = 'waiting';
                CREATE INDEX job_letters_sent ON job_letters (job_id, place) WHERE state = 'sent';
                """),
        Migration(
            id: "replays",
            sql: """
                -- NOT VALID skips the check of existing rows: none can have another state.
                ALTER TABLE letters DROP CONSTRAINT IF EXISTS letters_state_check;
                ALTER TABLE letters ADD CONSTRAINT letters_state_check CHECK (state IN ('open', 'replayed', 'handled', 'discarded')) NOT VALID;

                -- Replayed messages whose services are still being asked whether they have handled them.
                CREATE TABLE replays (
                    letter_id uuid PRIMARY KEY,
                    message_id uuid NOT NULL,
                    service text NOT NULL,
                    sent_at timestamptz NOT NULL,
                    due_at timestamptz NOT NULL,
                    tries integer NOT NULL DEFAULT 0
                );
                CREATE INDEX replays_due ON replays (due_at);
                """),
    ]
}
