/// Why `wharf up` or `wharf status` could not go on.
struct UpError: Error, Sendable, Equatable, CustomStringConvertible {
    enum Code: Sendable {
        /// A setting is missing or wrong.
        case settings
        /// The state folder cannot be used.
        case folder
        /// Another `wharf up` has the state folder.
        case running
        /// Something did not become ready.
        case start
        /// The demo catalogue could not be loaded.
        case catalogue
    }

    let code: Code
    /// What happened; no secret.
    let message: String
    /// What a person can do about it; empty when the message says it all.
    let advice: String

    init(_ code: Code, _ message: String, advice: String = "") {
        self.code = code
        self.message = message
        self.advice = advice
    }

    var description: String {
        advice.isEmpty ? message : "\(message)\n\(advice)"
    }

    /// The exit status of the command: 78 (EX_CONFIG) for a wrong setting, otherwise 1.
    var exitStatus: Int32 {
        code == .settings ? 78 : 1
    }
}
