import PostgreSQL

/// Ways to break the program from outside, to check that the simulation detects it: each removes one thing that the promise rests on.
public enum Sabotage: String, Sendable, CaseIterable {
    /// No message is entered into the inbox.
    case forgetfulInbox
    /// A message is acknowledged when it is delivered.
    case earlyAcknowledgement
    /// Outputs are sent before the transaction that they belong to is committed.
    case lateCommit
    /// A payment is voided without asking the gateway for the outcome of its charge.
    case blindVoid

    /// A refund reaches the gateway without the name by which payments finds it again.
    case namelessRefund

    /// Sagas are read without locks before they are changed, and written even when they have changed since.
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
