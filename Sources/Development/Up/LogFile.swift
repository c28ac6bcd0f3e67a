import FoundationEssentials
import Glibc
import LocalState

/// The log of one process. The process appends to it by itself, so that no reader of its output is needed.
package struct LogFile: Sendable {
    /// A log that is larger when its process starts is moved aside, replacing the one moved aside before.
    static let maximumBytes = 16 << 20
    private static let tailBytes = 8 << 10
    /// How much of a line is quoted.
    private static let maximumQuote = 300

    package let path: String

    /// Moves a large log aside: to the same name with `.old`.
    func rotate() {
        guard let file = FileAttributes(of: path), file.bytes > Self.maximumBytes else { return }
        _ = unsafe rename(path, "\(path).old")
    }

    /// The last lines that are not empty, the oldest first.
    func lastLines(_ count: Int) -> [String] {
        guard let file = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe) else { return [] }
        let text = String(decoding: file.suffix(Self.tailBytes), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(count).map { String($0.prefix(Self.maximumQuote)) }
    }
}
