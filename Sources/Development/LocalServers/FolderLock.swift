import FoundationEssentials
import Glibc

/// Keeps a second server out of a folder, one of this process or of another. The kernel releases the lock when this process dies.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// - Throws: ``LocalServerError`` with code `folder` when another server has the folder.
    init(_ folder: ServerFolder) throws {
        let path = folder.file("lock")
        descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LocalServerError(.folder, "Cannot open \(path).") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw LocalServerError(
                .folder, "Another process runs a server in \(folder.path).", advice: "Stop it, or use another folder.")
        }
    }

    deinit {
        // Closing is not enough: a child between fork and exec holds a copy for a moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
