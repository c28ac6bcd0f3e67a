/// Why a command could not go on: one shape for all of them, each with codes of its own.
package struct CommandError<Code: ErrorCode>: Error, Sendable, Equatable, CustomStringConvertible {
    package let code: Code
    /// What happened; holds no secret.
    package let message: String
    /// What a person can do about it; empty when the message says enough.
    let advice: String

    package init(_ code: Code, _ message: String, advice: String = "") {
        self.code = code
        self.message = message
        self.advice = advice
    }

    package var description: String {
        advice.isEmpty ? message : "\(message)\n\(advice)"
    }

    package var exitStatus: Int32 { code.exitStatus }
}

/// The kind of failure.
package protocol ErrorCode: Sendable, Equatable {
    /// The exit status of the command, as sysexits(3) has them where it has one.
    var exitStatus: Int32 { get }
}
