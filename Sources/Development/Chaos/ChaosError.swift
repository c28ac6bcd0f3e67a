import Terminal

/// Why `wharf-dev chaos` could not go on.
typealias ChaosError = CommandError<ChaosErrorCode>

enum ChaosErrorCode: ErrorCode {
    /// A file that is needed is not there.
    case missing
    /// The shop, a server or a tool did not do what it was started for.
    case failed
    /// Something took longer than it may.
    case deadline

    /// The exit status of the command: 66 (EX_NOINPUT) for a missing file, otherwise 2, which no shop that was found wrong is told by.
    var exitStatus: Int32 {
        self == .missing ? 66 : 2
    }
}
