/// A key that a person has pressed.
package enum Key: Sendable, Equatable {
    case character(Character)
    case enter, escape, backspace, tab
    case up, down, left, right, pageUp, pageDown, home, end
    /// Ctrl-C, or the end of the input.
    case interrupt
}

/// Reads keys from the bytes that a terminal sends. A key may come in parts.
package struct KeyParser: Sendable {
    /// The maximum length of a key sequence; longer input is dropped.
    private static let longestSequence = 16
    private static let escape: UInt8 = 0x1B

    private var rest: [UInt8] = []

    package init() {}

    /// - Parameter bytes: What one read returned. An escape character at its end is the key of that name: a terminal sends the parts of a sequence at once.
    package mutating func keys(in bytes: [UInt8]) -> [Key] {
        rest += bytes
        var keys: [Key] = []
        while let first = rest.first {
            guard let (key, length) = first == Self.escape ? sequence : character(first) else {
                if rest.count > Self.longestSequence { rest = [] }
                break
            }
            rest = Array(rest.dropFirst(length))
            if let key { keys.append(key) }
        }
        return keys
    }

    /// The key that begins with an escape character, and its length; nil while it is incomplete.
    private var sequence: (Key?, Int)? {
        guard let second = rest.dropFirst().first else { return (.escape, 1) }
        guard second == UInt8(ascii: "[") || second == UInt8(ascii: "O") else { return (.escape, 1) }
        let parameters = rest.dropFirst(2).prefix { (0x30...0x3F).contains($0) }
        guard let final = rest.dropFirst(2 + parameters.count).first else { return nil }
        return (Self.key(String(decoding: parameters, as: UTF8.self), final), 3 + parameters.count)
    }

    private static func key(_ parameters: String, _ final: UInt8) -> Key? {
        switch (Character(Unicode.Scalar(final)), parameters.prefix { $0 != ";" }) {
        case ("A", _): .up
        case ("B", _): .down
        case ("C", _): .right
        case ("D", _): .left
        case ("H", _), ("~", "1"), ("~", "7"): .home
        case ("F", _), ("~", "4"), ("~", "8"): .end
        case ("~", "5"): .pageUp
        case ("~", "6"): .pageDown
        default: nil
        }
    }

    private func character(_ first: UInt8) -> (Key?, Int)? {
        switch first {
        case 0x03: return (.interrupt, 1)
        case 0x09: return (.tab, 1)
        case 0x0A, 0x0D: return (.enter, 1)
        case 0x08, 0x7F: return (.backspace, 1)
        case 0x20..<0x7F: return (.character(Character(Unicode.Scalar(first))), 1)
        case 0xC0...0xF7:
            let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard rest.count >= length else { return nil }
            return (String(validating: rest.prefix(length), as: UTF8.self)?.first.map(Key.character), length)
        default: return (nil, 1)
        }
    }
}
