import AMQP
import Glibc
import Terminal

/// The lines of a file, one at a time.
final class LineReader {
    /// A line is sent as a message.
    static let maximumLine = Publication.maximumBodyBytes
    private static let chunk = 65_536

    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false

    /// - Parameter path: `-` is standard input.
    init(path: String) throws {
        self.path = path
        descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path) }
    }

    deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

    /// Nil at the end. Without the line's end.
    func next() throws -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            searched = buffer.count
            if isAtEnd {
                defer { start = buffer.count }
                return start < buffer.count ? Array(buffer[start...]) : nil
            }
            guard buffer.count - start <= Self.maximumLine else { throw DeadLettersFailure("A line of \(path) is longer than \(Self.maximumLine) bytes.") }
            searched -= start
            buffer.removeFirst(start)
            start = 0
            try fill()
        }
    }

    private func fill() throws {
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { return }
        guard count >= 0 else { throw Self.unreadable(path) }
        isAtEnd = count == 0
        buffer += chunk.prefix(count)
    }

    private static func unreadable(_ path: String) -> DeadLettersFailure {
        let reason = unsafe String(cString: strerror(errno))
        return DeadLettersFailure("\(path.printable) cannot be read: \(reason).")
    }
}
