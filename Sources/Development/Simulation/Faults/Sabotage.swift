import PostgreSQL

/// Ways to break the program from outside, to see that the simulation tells: each takes away one thing that the promise rests on.
public enum Sabotage: String, Sendable, CaseIterable {
    /// No message is entered into the inbox.
    case forgetfulInbox
    /// A message is acknowledged when it is delivered.
    case earlyAcknowledgement
    /// Outputs leave before the transaction that they belong to is committed.
    case lateCommit
    /// A payment is voided without asking the gateway what has become of its charge.
    case blindVoid

    /// Sagas are read without locks before they are changed, and written whatever has become of them since.
    case unguardedSagas

    static let lateness: Duration = .milliseconds(30)

    /// The statement as a worker with this name sends it.
    func broken(_ statement: SQL, of worker: String) -> SQL {
        switch self {
        case .forgetfulInbox where statement.entersInbox: "SELECT 1 WHERE false"
        case .unguardedSagas where worker.hasPrefix("orders"):
            statement.removing(" FOR UPDATE OF checkouts").removing(" AND checkouts.version = new.version")
        default: statement
        }
    }
}
