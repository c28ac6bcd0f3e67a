import Terminal

/// Why `wharf-dev chaos` could not go on.
typealias ChaosError = CommandError<ChaosErrorCode>

enum ChaosErrorCode: ErrorCode {
    /// A file that is needed is missing.
    case missing
    /// The shop, a server or a tool failed to do its part.
    case failed
    /// Something took longer than its limit.
    case deadline

    /// The exit status of the command: 66 (EX_NOINPUT) for a missing file, otherwise 2, which never stands for a shop that failed its audit.
    var exitStatus: Int32 {
        self == .missing ? 66 : 2
    }
}
