import FoundationEssentials

/// Why a file operation failed, in words for people: Foundation's errors describe themselves for programmers.
package enum FileTrouble {
    package static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileWriteNoPermission, .fileReadNoPermission: return "permission denied"
        case .fileWriteOutOfSpace: return "no space is left on the disk"
        case .fileWriteVolumeReadOnly: return "the file system is read-only"
        case .fileWriteFileExists: return "something else has that name"
        case .fileNoSuchFile: return "a folder above it does not exist"
        case .fileReadNoSuchFile: return "there is no such file"
        default: return "error \(error.code.rawValue) of the file system"
        }
    }
}
