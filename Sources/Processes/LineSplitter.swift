/// Cuts a stream of bytes into lines. A line longer than the bound is cut into pieces, so memory is bounded too.
package struct LineSplitter {
    package static let maximumLineBytes = 64 * 1024

    private var rest: [UInt8] = []

    package init() {}

    /// Adds the next bytes and returns the lines that they complete, without their line ends.
    package mutating func lines(adding bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(take())
            } else {
                rest.append(byte)
                if rest.count == Self.maximumLineBytes { lines.append(take()) }
            }
        }
        return lines
    }

    /// The line that had no end when the stream ended.
    package mutating func last() -> String? {
        rest.isEmpty ? nil : take()
    }

    private mutating func take() -> String {
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        defer { rest.removeAll(keepingCapacity: true) }
        return String(decoding: rest, as: UTF8.self)
    }
}
