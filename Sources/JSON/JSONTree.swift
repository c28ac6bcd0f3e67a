/// A JSON text that has been parsed once: its values in the order of the text, each with the position of its end. Nothing is copied until
/// it is read.
final class JSONTree: Sendable {
    struct Node: Sendable {
        enum Kind: Sendable {
            case null, boolean, number, text
            /// A text with escapes in it.
            case escapedText
            case array
            /// Names and values in turn.
            case object
        }

        var kind: Kind
        /// The first byte; of a text the one after its quote.
        let start: Int
        /// The byte after the last one.
        var end: Int
        /// The node after this one and its contents.
        var next: Int
        /// Of an array or an object.
        var count = 0

        /// The value of a text without escapes.
        func text(in bytes: [UInt8]) -> String {
            kind == .escapedText ? JSONEscape.unescaped(bytes, start..<end) : String(decoding: bytes[start..<end], as: UTF8.self)
        }
    }

    let bytes: [UInt8]
    let nodes: [Node]

    init(_ syntax: JSONSyntax) {
        bytes = syntax.bytes
        nodes = syntax.nodes
    }

    /// The value in an object under this name, the first one if there are several.
    func value(named name: String, in object: Int) -> Int? {
        var place = object + 1
        while place < nodes[object].next {
            if isName(place, name) { return place + 1 }
            place = nodes[place + 1].next
        }
        return nil
    }

    func isName(_ place: Int, _ name: String) -> Bool {
        let node = nodes[place]
        guard node.kind == .text else { return node.text(in: bytes) == name }
        return bytes.holds(name, from: node.start, to: node.end)
    }

    /// Each name with the index of its value, in the order of the text.
    func members(of object: Int) -> [(name: String, place: Int)] {
        var members: [(String, Int)] = []
        members.reserveCapacity(nodes[object].count)
        var place = object + 1
        while place < nodes[object].next {
            members.append((nodes[place].text(in: bytes), place + 1))
            place = nodes[place + 1].next
        }
        return members
    }
}

extension [UInt8] {
    fileprivate func holds(_ text: String, from start: Int, to end: Int) -> Bool {
        guard end - start == text.utf8.count else { return false }
        let text = text.utf8Span.span
        var place = 0
        while place < text.count {
            guard text[place] == self[start + place] else { return false }
            place += 1
        }
        return true
    }
}

// MARK: - The path of a value, for errors

extension JSONTree {
    func path(to target: Int) -> [any CodingKey] {
        var path: [any CodingKey] = []
        var node = 0
        while node < target, let (key, child) = child(of: node, holding: target) {
            path.append(key)
            node = child
        }
        return path
    }

    private func child(of node: Int, holding target: Int) -> (JSONPathKey, Int)? {
        let step = nodes[node].kind == .object ? 1 : 0
        var place = node + 1
        var index = 0
        while place < nodes[node].next {
            let value = place + step
            if target < nodes[value].next {
                return (step == 1 ? JSONPathKey(stringValue: nodes[place].text(in: bytes)) : JSONPathKey(intValue: index), value)
            }
            place = nodes[value].next
            index += 1
        }
        return nil
    }
}

/// A step on the path to a value.
struct JSONPathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "Index \(intValue)"
        self.intValue = intValue
    }
}
