import FoundationEssentials
import Glibc
import Secrets
import Synchronization

/// Writes mail to a folder in a format that mail readers understand: for development, and for tests.
///
/// A mail is written under `tmp` and renamed into `new`, so that readers never see half of one. Its file is named after its id: sent again, it
/// replaces the first. A mail is on the disk before it is in `new`: a sent mail is not sent again, so a loss of power must not leave an empty
/// file, or none. Writes on the caller's thread, which is sufficient for its purpose.
public struct Maildir: MailTransport {
    private static let numbers = Atomic<Int>(0)

    /// The folder that holds `tmp`, `new` and `cur`.
    public let path: String

    /// Creates missing folders. Throws `DeliveryError` for one that cannot be created or written.
    public init(path: String) throws(DeliveryError) {
        self.path = path
        for folder in ["tmp", "new", "cur"] {
            do {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(folder)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw DeliveryError("the folder \(path)/\(folder) cannot be made", .denied)
            }
            guard unsafe access("\(path)/\(folder)", W_OK | X_OK) == 0 else {
                let reason = unsafe String(cString: strerror(errno))
                throw DeliveryError("the folder \(path)/\(folder) cannot be written: \(reason)", .denied)
            }
        }
    }

    public func send(_ mail: Mail) async throws(DeliveryError) {
        let name = "\(mail.id.lowerCaseText).wharf"
        let number = Self.numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let unfinished = "\(path)/tmp/\(name).\(getpid()).\(number)"
        try write(mail.message, to: unfinished)
        guard unsafe rename(unfinished, "\(path)/new/\(name)") == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw DeliveryError("The mail cannot be moved into \(path)/new: \(reason)", .unavailable)
        }
        try syncFolder("\(path)/new")
    }

    /// A rename becomes durable with its folder.
    private func syncFolder(_ folder: String) throws(DeliveryError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot be synced") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot be synced") }
    }

    private func write(_ message: [UInt8], to file: String) throws(DeliveryError) {
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be made") }
        defer { close(descriptor) }
        var rest = message[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw failure("cannot be written") }
            rest = rest.dropFirst(max(0, count))
        }
        guard fsync(descriptor) == 0 else { throw failure("cannot be synced") }
    }

    private func failure(_ trouble: String) -> DeliveryError {
        let reason = unsafe String(cString: strerror(errno))
        return DeliveryError("A mail's file below \(path) \(trouble): \(reason)", .unavailable)
    }
}
