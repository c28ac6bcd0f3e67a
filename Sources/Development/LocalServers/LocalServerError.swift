/// Why a local server, or one of its tools, failed.
public struct LocalServerError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A program is not installed, or its account does not exist.
        case missing
        /// The folder cannot be used: not writable, not enterable, or in use by another process.
        case folder
        /// The process ended, or did not answer before its deadline.
        case start
        /// A tool (`psql`, `rabbitmqctl`, …) ended with an error or ran out of time.
        case tool
        /// No free port was found.
        case ports
    }

    public let code: Code
    /// What happened, with the end of the server's own output where there is one.
    public let message: String
    /// What a person can do about it; empty when the message says enough.
    public let advice: String

    public init(_ code: Code, _ message: String, advice: String = "") {
        self.code = code
        self.message = message
        self.advice = advice
    }

    public var description: String {
        advice.isEmpty ? message : "\(message)\n\(advice)"
    }
}
