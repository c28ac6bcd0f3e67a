/// Why a command has no reply.
public struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The URL cannot be read.
        case invalidURL
        /// A command that would change the shared connection for every caller.
        case unsupported
        /// There is no connection; the command was not sent. A new connection is being tried in the background.
        case unavailable
        /// Redis refuses the user or the password; the command was not sent.
        case authenticationFailed
        /// No reply within the command's timeout; whether the command was carried out is unknown.
        case timedOut
        /// The connection ended before the reply came; whether the command was carried out is unknown.
        case connectionLost
        /// As many commands as allowed are under way; this one was not sent.
        case overloaded
        /// The command is larger than ``RedisClient/maximumCommandBytes``.
        case tooLarge
        /// Redis refused the command; the message begins with its own word for why, such as `WRONGTYPE`.
        case rejected
        /// The client has been shut down.
        case shutDown
        /// What came is not Redis's protocol, or the system refuses something that the client needs.
        case failed
    }

    public let code: Code
    /// What happened and, where it is not plain, what to do; never holds a password, or a key or value of the caller's.
    public let message: String
    /// Whether the same command could succeed later.
    public let isTransient: Bool

    /// `isTransient` follows from the code, and for a refusal from its first word, when it is left out.
    public init(code: Code, message: String, isTransient: Bool? = nil) {
        self.code = code
        self.message = message
        self.isTransient = isTransient ?? Self.isTransient(code, message)
    }

    public var description: String { "\(message) (\(code))" }

    private static let passingRefusals: Set<Substring> = [
        "LOADING", "BUSY", "TRYAGAIN", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "OOM", "NOREPLICAS",
    ]

    private static func isTransient(_ code: Code, _ message: String) -> Bool {
        switch code {
        case .unavailable, .timedOut, .connectionLost, .overloaded: true
        case .rejected: passingRefusals.contains(message.prefix { $0 != " " })
        case .invalidURL, .unsupported, .authenticationFailed, .tooLarge, .shutDown, .failed: false
        }
    }
}
