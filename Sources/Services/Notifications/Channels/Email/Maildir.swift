import FoundationEssentials
import Glibc
import Secrets
import Synchronization

/// Writes mail to a folder in a format that mail readers understand: for development, and for tests.
///
/// A mail is written under `tmp` and renamed into `new`, so that readers never see half of one. Its file is named after its id: sent again, it
/// replaces the first. A mail is on the disk before it is in `new`: a sent mail is not sent again, so a loss of power must not leave an empty
/// file, or none. Mails that are sent at the same time reach the disk together, because the file system commits its journal for each file that is
/// synced alone. Writes on the caller's thread, which is sufficient for its purpose.
public struct Maildir: MailTransport {
    private static let numbers = Atomic<Int>(0)

    /// The folder that holds `tmp`, `new` and `cur`.
    public let path: String
    private let syncing = Syncing()

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
        let file = UnsyncedMail(path: "\(path)/tmp/\(name).\(getpid()).\(number)", destination: "\(path)/new/\(name)")
        try write(mail.message, to: file.path)
        try await syncing.sync(file, Self.finish).get()
    }

    /// Syncs the files, moves them into `new`, and syncs that folder once for all. Each mail has its own result.
    private static func finish(_ files: [UnsyncedMail]) -> [Result<Void, DeliveryError>] {
        // The blocks of all files are allocated before the first one is synced, so its sync commits the journal for the others.
        for file in files { file.startWriting() }
        var results = files.map { $0.move() }
        for folder in Set(files.map(\.folder)) {
            guard case .failure(let error) = UnsyncedMail.sync(folder, in: folder) else { continue }
            for (place, file) in files.enumerated() where file.folder == folder { results[place] = .failure(error) }
        }
        return results
    }

    private func write(_ message: [UInt8], to file: String) throws(DeliveryError) {
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DeliveryError(below: path, "cannot be made") }
        defer { close(descriptor) }
        var rest = message[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw DeliveryError(below: path, "cannot be written") }
            rest = rest.dropFirst(max(0, count))
        }
    }
}

/// A mail that is written, but not yet on the disk.
private struct UnsyncedMail: Sendable {
    let path: String
    /// Its path once it is on the disk.
    let destination: String

    var folder: String { String(destination[..<(destination.lastIndex(of: "/") ?? destination.endIndex)]) }

    /// Only a hint: the kernel starts to write the file. A failure shows when the file is synced.
    func startWriting() {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_DONTNEED))
        close(descriptor)
    }

    func move() -> Result<Void, DeliveryError> {
        if case .failure(let error) = Self.sync(path, in: folder) { return .failure(error) }
        guard unsafe rename(path, destination) == 0 else { return .failure(DeliveryError(below: folder, "cannot be moved")) }
        return .success(())
    }

    /// A rename becomes durable with its folder.
    static func sync(_ path: String, in folder: String) -> Result<Void, DeliveryError> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(DeliveryError(below: folder, "cannot be synced")) }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? .success(()) : .failure(DeliveryError(below: folder, "cannot be synced"))
    }
}

/// Groups mails that are written at the same time, so that one of their senders syncs them all.
private final class Syncing: Sendable {
    typealias Outcome = Result<Void, DeliveryError>

    /// The mails that wait for the first sender to sync them; nil while no sender leads. At most the number of mails under way at once.
    private let followers = Mutex<[(mail: UnsyncedMail, sender: CheckedContinuation<Outcome?, Never>)]?>(nil)

    func sync(_ mail: UnsyncedMail, _ finish: ([UnsyncedMail]) -> [Outcome]) async -> Outcome {
        while true {
            if lead() {
                // The other senders, whose tasks were started with this one, write their mails meanwhile.
                await Task.yield()
                let others = take()
                let outcomes = finish([mail] + others.map(\.mail))
                for (other, outcome) in zip(others, outcomes.dropFirst()) { other.sender.resume(returning: outcome) }
                return outcomes.first ?? .success(())
            }
            if let outcome = await follow(mail) { return outcome }
        }
    }

    private func lead() -> Bool {
        followers.withLock { followers in
            guard followers == nil else { return false }
            followers = []
            return true
        }
    }

    /// Later senders are led by another sender.
    private func take() -> [(mail: UnsyncedMail, sender: CheckedContinuation<Outcome?, Never>)] {
        followers.withLock { followers in
            defer { followers = nil }
            return followers ?? []
        }
    }

    /// Returns nil if no sender leads any more.
    private func follow(_ mail: UnsyncedMail) async -> Outcome? {
        await withCheckedContinuation { sender in
            let joined = followers.withLock { followers in
                guard followers != nil else { return false }
                followers?.append((mail, sender))
                return true
            }
            if !joined { sender.resume(returning: nil) }
        }
    }
}

extension DeliveryError {
    fileprivate init(below folder: String, _ trouble: String) {
        let reason = unsafe String(cString: strerror(errno))
        self.init("A mail's file below \(folder) \(trouble): \(reason)", .unavailable)
    }
}
