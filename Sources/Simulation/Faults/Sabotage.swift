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

    static let lateness: Duration = .milliseconds(30)
}
