import FoundationEssentials
import Glibc

/// What distinguishes a file from what was at its path before, without reading it.
struct FileStamp: Equatable {
    /// Longer than the resolution of any file system's clock: a second change within this time may leave the stamp as it was.
    private static let longestTick: TimeInterval = 2

    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// Nil when there is no file. Follows links.
    init?(of path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        (device, inode, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
        // The time of the last change of any kind, which programs cannot set.
        (seconds, nanoseconds) = (status.st_ctim.tv_sec, status.st_ctim.tv_nsec)
    }

    /// Whether every later change leads to another stamp.
    func isSettled(at now: Date) -> Bool { now.timeIntervalSince1970 - Double(seconds) > Self.longestTick }
}
