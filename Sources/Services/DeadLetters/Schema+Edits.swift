import PostgreSQL

extension Schema {
    static let aliases = Migration(
        id: "aliases of edited letters",
        sql: """
            -- A letter's id follows from its message's body; this is the id that an edited letter gets when it dies again.
            CREATE TABLE aliases (
                alias uuid PRIMARY KEY,
                letter_id uuid NOT NULL REFERENCES letters ON DELETE CASCADE
            );
            CREATE INDEX aliases_letter ON aliases (letter_id);
            """)
}
