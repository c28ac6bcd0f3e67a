/// Why `wharf chaos` could not go on.
struct ChaosError: Error, Sendable, Equatable, CustomStringConvertible {
    enum Code: Sendable {
        /// A file that is needed is not there.
        case missing
        /// The shop, a server or a tool did not do what it was started for.
        case failed
        /// Something took longer than it may.
        case deadline
    }

    let code: Code
    /// What happened and what to do; no secret.
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { message }

    /// The exit status of the command: 66 (EX_NOINPUT) for a missing file, otherwise 2, which no shop that was found wrong is told by.
    var exitStatus: Int32 {
        code == .missing ? 66 : 2
    }
}
