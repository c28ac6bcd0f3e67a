import Glibc
import Synchronization

/// The output for whole lines: the lines of one process never interleave. Between processes that share a pipe, the kernel keeps lines
/// of up to 4,096 bytes whole.
public final class LogOutput: Sendable {
    private let descriptor: Int32
    private let turn = Mutex(())

    public static let standardError = LogOutput(descriptor: STDERR_FILENO)

    /// Writes to a descriptor that must stay open as long as this object; it is not closed here.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Writes the line with one write(2), or more if the kernel takes it in parts. A line that cannot be written is lost, since there is no way left to report it.
    func write(_ line: [UInt8]) {
        turn.withLock { _ in
            var rest = line[...]
            while !rest.isEmpty {
                let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }
}
