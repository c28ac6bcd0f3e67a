import Terminal

/// Why `wharf-dev load` could not go on.
package typealias LoadError = CommandError<LoadErrorCode>

package enum LoadErrorCode: ErrorCode {
    /// The file of baskets cannot be opened.
    case noInput
    /// The file of baskets is malformed.
    case badInput
    /// There is no answer, or none that can be understood.
    case unavailable
    /// The shop refuses something that the run depends on.
    case refused
    /// The run lacks a setting.
    case settings
    /// The time of the run is over.
    case deadline
    /// The report cannot be written.
    case output

    package var exitStatus: Int32 {
        switch self {
        case .badInput: 65
        case .noInput: 66
        case .unavailable: 69
        case .output: 73
        case .settings: 78
        case .refused, .deadline: 1
        }
    }
}
