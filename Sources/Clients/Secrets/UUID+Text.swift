public import FoundationEssentials

/// UUIDs as text, without the C formatting that Foundation goes through: every message has several.
extension UUID {
    /// RFC 9562's nil UUID, which sorts before all others.
    public static let zero = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// How long the text of a UUID is: 32 digits and 4 hyphens.
    public static let textBytes = 36

    /// What `uuidString` gives, in upper case.
    public var upperCaseText: String { text(Self.upperCaseDigits) }

    /// As RFC 9562 writes UUIDs, in lower case.
    public var lowerCaseText: String { text(Self.lowerCaseDigits) }

    /// Appends `upperCaseText`.
    public func appendUpperCase(to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: Self.textBytes) { text in write(Self.upperCaseDigits) { text.append($0) } }
    }

    /// The UUID that a text stands for, read in either case; nil for anything but 36 characters of the usual form.
    public init?(text: String) {
        var text = text
        guard let id = text.withUTF8({ Self.read($0[...]) }) else { return nil }
        self = id
    }

    /// The UUID that ASCII characters stand for, as `init(text:)` reads them.
    public init?(ascii characters: ArraySlice<UInt8>) {
        guard let id = characters.withUnsafeBufferPointer({ Self.read($0[...]) }) else { return nil }
        self = id
    }

    private static let upperCaseDigits = Array("0123456789ABCDEF".utf8)
    private static let lowerCaseDigits = Array("0123456789abcdef".utf8)
    private static let hyphen = UInt8(ascii: "-")

    /// Whether a hyphen stands before the byte.
    private static func isGroupStart(_ byte: Int) -> Bool { byte == 4 || byte == 6 || byte == 8 || byte == 10 }

    private func text(_ digits: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: Self.textBytes) { text in
            var place = 0
            write(digits) { character in
                text[place] = character
                place += 1
            }
            return place
        }
    }

    private func write(_ digits: [UInt8], _ append: (UInt8) -> Void) {
        withUnsafeBytes(of: uuid) { bytes in
            for index in 0..<bytes.count {
                if Self.isGroupStart(index) { append(Self.hyphen) }
                append(digits[Int(bytes[index] >> 4)])
                append(digits[Int(bytes[index] & 15)])
            }
        }
    }

    private static func read(_ characters: Slice<UnsafeBufferPointer<UInt8>>) -> UUID? {
        guard characters.count == textBytes else { return nil }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isValid = withUnsafeMutableBytes(of: &value) { bytes in
            var place = characters.startIndex
            for index in 0..<bytes.count {
                if isGroupStart(index) {
                    guard characters[place] == hyphen else { return false }
                    place += 1
                }
                guard let high = Hex.value(of: characters[place]), let low = Hex.value(of: characters[place + 1]) else { return false }
                bytes[index] = high << 4 | low
                place += 2
            }
            return true
        }
        return isValid ? UUID(uuid: value) : nil
    }
}
