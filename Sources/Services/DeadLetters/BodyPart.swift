import Contracts

/// A part of a body that fits into one reply.
public struct BodyPart: Sendable {
    /// The size of the largest part. With the rest of the letter it fits into one message, even if every character is escaped.
    public static let maximumBytes = 1 << 20
    /// The most bytes of a UTF-8 character that can be missing at the end of a part.
    private static let maximumMissing = 3

    /// Where the part begins in the body.
    let offset: Int
    public let bytes: [UInt8]
    /// The bytes, if they are UTF-8 without control characters other than white space.
    let text: String?
    /// Where the next part begins; nil if this is the last one.
    let next: Int?

    /// - Parameters:
    ///   - bytes: The bytes from `offset` on, at most ``maximumBytes``.
    ///   - size: The size of the stored body.
    init(_ bytes: [UInt8], at offset: Int, of size: Int) {
        let isLast = offset + bytes.count >= size
        self.offset = offset
        text = Self.text(bytes, isLast: isLast)
        self.bytes = text.map { Array($0.utf8) } ?? bytes
        next = isLast ? nil : offset + self.bytes.count
    }

    /// A character that continues in the next part belongs to that part.
    private static func text(_ bytes: [UInt8], isLast: Bool) -> String? {
        for missing in 0...(isLast ? 0 : maximumMissing) {
            if let text = String(validating: bytes.dropLast(missing), as: UTF8.self) { return isReadable(text) ? text : nil }
        }
        return nil
    }

    private static func isReadable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { !$0.isControl || $0 == "\n" || $0 == "\r" || $0 == "\t" }
    }
}
