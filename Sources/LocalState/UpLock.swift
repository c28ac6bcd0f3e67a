import FoundationEssentials
import Glibc
import Terminal

/// Keeps a second `wharf-dev up` out of a state folder. The kernel releases the lock when this process dies, however it dies.
package final class UpLock: Sendable {
    private static let name = "up.lock"
    private let descriptor: Int32

    /// - Throws: ``UpError`` with code `running` and the other's process id, or `folder`.
    package init(_ folder: StateFolder) throws(UpError) {
        let path = folder.file(Self.name)
        descriptor = unsafe open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw UpError(.folder, "Cannot open \(path).") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            let holder = Self.processID(in: path).map { "process \($0)" } ?? "another process"
            throw UpError(
                .running, "wharf-dev up runs in this folder already: \(holder).",
                advice: "wharf status shows it; Ctrl-C in its terminal, or SIGTERM to that process, stops it.")
        }
        let text = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        guard unsafe text.withUnsafeBytes({ unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }) == text.count else {
            throw UpError(.folder, "Cannot write \(path).")
        }
    }

    deinit {
        // Closing is not enough: a child between fork and exec holds a copy for a moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The process id of the `wharf-dev up` that has the folder; nil when none has.
    /// - Throws: ``UpError`` with code `folder` when this account may not look.
    package static func holder(of folder: StateFolder) throws(UpError) -> Int32? {
        let path = folder.file(name)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == EACCES else { return nil }
            throw UpError(
                .folder, "\(folder.path) belongs to another account, so what runs there cannot be seen.",
                advice: "Run wharf as the account that runs wharf-dev up.")
        }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else { return nil }
        return processID(in: path)
    }

    private static func processID(in path: String) -> Int32? {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { return nil }
        return Int32(String(decoding: data.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
