import Terminal

/// Why `wharf-dev up` or `wharf status` could not go on.
package typealias UpError = CommandError<UpErrorCode>

package enum UpErrorCode: ErrorCode {
    /// A setting is missing or wrong.
    case settings
    /// The state folder cannot be used.
    case folder
    /// Another `wharf-dev up` has the state folder.
    case running
    /// Something did not become ready.
    case start
    /// The demo catalogue could not be loaded.
    case catalogue

    /// The exit status of the command: 78 (EX_CONFIG) for a wrong setting, otherwise 1.
    package var exitStatus: Int32 {
        self == .settings ? 78 : 1
    }
}
