/// The reason why a process could not be started.
public struct ProcessError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// There is no such program.
        case missing
        /// The process is already running.
        case running
        /// The operating system did not start it.
        case start
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
