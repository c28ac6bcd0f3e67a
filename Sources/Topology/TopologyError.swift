/// Why the topology could not be read, applied or checked.
public struct TopologyError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The definitions file is missing or is not in RabbitMQ's format.
        case unreadable
        /// A password was given for a user that the definitions do not have.
        case unknownUser
        /// The management API returned an error, or an answer that cannot be understood.
        case broker
        /// A queue or an exchange exists with properties that cannot be changed: it must be drained and deleted first.
        case conflict
        /// The broker accepted the definitions, but does not match them.
        case notApplied
        /// No random salt for a password could be generated.
        case noRandomness
    }

    public let code: Code
    /// What happened and what to do; no secret.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
