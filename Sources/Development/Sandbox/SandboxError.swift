/// Why a sandbox could not start or go on. A retry with the same configuration does not help.
public struct SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A setting is out of its range; the message names it.
        case invalidConfiguration
        /// The ledger file exists but is malformed, or may not be read.
        case journalUnreadable
        /// The ledger file cannot be created or written.
        case journalUnwritable
    }

    public let code: Code
    /// What happened, for the operator.
    public let message: String

    public var description: String { "\(code.rawValue): \(message)" }
}
