import CPostgreSQL

/// A password as PostgreSQL stores it (RFC 5803): the server can check the password with it, and it cannot be used to sign in.
///
/// Made on this side, so that the password itself is in no statement, and so in no error and in no log of the server's.
public struct ScramVerifier: Sendable {
    /// `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`
    public let text: String

    /// - Throws: `PostgresError` with code `misuse` when libpq cannot make one.
    public init(password: String, user: String) throws(PostgresError) {
        // libpq needs a connection for its errors alone. A text that it cannot parse makes one that leads nowhere.
        guard let nowhere = PQconnectStart("=") else { throw PostgresError(.misuse, "libpq has no memory for a password verifier") }
        defer { PQfinish(nowhere) }
        guard let verifier = PQencryptPasswordConn(nowhere, password, user, "scram-sha-256") else {
            throw PostgresError(.misuse, "libpq could not make a password verifier")
        }
        defer { PQfreemem(verifier) }
        text = String(cString: verifier)
    }
}
