import FoundationEssentials
import Glibc
import LocalServers

/// The folder of this test process, `wharf-tests-<process id>` in the temporary folder; gone when the process is.
enum TestFolder {
    private static let prefix = "wharf-tests-"

    /// Made on first use; then its end, and the end of all servers, is arranged too.
    static let path: String = {
        let temporary = FileManager.default.temporaryDirectory.path
        removeLeftovers(in: temporary)
        let path = "\(temporary)/\(prefix)\(getpid())"
        // Enterable by all: the account postgres has its folder inside. Each server protects its own.
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        // Runs on a normal exit. After a crash the kernel ends the servers, and the next run removes the folder.
        atexit {
            LiveProcesses.killAll()
            try? FileManager.default.removeItem(atPath: TestFolder.path)
        }
        return path
    }()

    private static func removeLeftovers(in temporary: String) {
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [] where entry.hasPrefix(prefix) {
            guard let owner = Int32(entry.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(temporary)/\(entry)")
        }
    }
}
