import Contracts

/// A part of a body: as much of it as one reply holds.
public struct BodyPart: Sendable {
    /// The size of the largest part. With everything else about its letter it fits into one message, even if each of its characters is escaped.
    public static let maximumBytes = 1 << 20
    /// Bytes of a UTF-8 character that a part may lack.
    private static let maximumMissing = 3

    /// Where it begins in the body.
    let offset: Int
    public let bytes: [UInt8]
    /// The bytes, if they are UTF-8 without control characters other than white space.
    let text: String?
    /// Where the next part begins; nil if this is the last one.
    let next: Int?

    /// - Parameters:
    ///   - bytes: Those from `offset` on, at most ``maximumBytes``.
    ///   - size: The size of the body as it is stored.
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
