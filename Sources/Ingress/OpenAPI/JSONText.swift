import Yams

/// YAML's values as JSON, keys in the order of the document. Plain scalars have the types of YAML's core schema; quoted ones are texts.
enum JSONText {
    static func text(of node: Node) -> String {
        var text = ""
        write(node, to: &text)
        return text
    }

    /// For people: one member a line.
    static func indented(_ node: Node) -> String {
        var text = ""
        write(node, to: &text, indentation: "\n")
        return text
    }

    /// `indentation` is the line break and the spaces before what is inside; nil for none.
    private static func write(_ node: Node, to text: inout String, indentation: String? = nil) {
        let inner = indentation.map { $0 + "  " }
        switch node {
        case .scalar(let scalar):
            write(scalar, to: &text)
        case .mapping(let mapping):
            text += "{"
            for (index, (key, value)) in mapping.enumerated() {
                text += (index > 0 ? "," : "") + (inner ?? "")
                quote(key.scalar?.string ?? "", to: &text)
                text += inner == nil ? ":" : ": "
                write(value, to: &text, indentation: inner)
            }
            text += (mapping.isEmpty ? "" : indentation ?? "") + "}"
        case .sequence(let sequence):
            text += "["
            for (index, value) in sequence.enumerated() {
                text += (index > 0 ? "," : "") + (inner ?? "")
                write(value, to: &text, indentation: inner)
            }
            text += (sequence.isEmpty ? "" : indentation ?? "") + "]"
        case .alias:
            // The composer has put what an alias stands for in its place.
            text += "null"
        }
    }

    private static func write(_ scalar: Node.Scalar, to text: inout String) {
        guard scalar.style == .plain || scalar.style == .any else { return quote(scalar.string, to: &text) }
        switch scalar.string {
        case "true", "false": text += scalar.string
        case "null", "~", "": text += "null"
        default:
            if let number = Int(scalar.string) {
                text += String(number)
            } else if let number = Double(scalar.string), number.isFinite, scalar.string.utf8.first.map({ $0 < 0x3A }) == true {
                text += String(number)
            } else {
                quote(scalar.string, to: &text)
            }
        }
    }

    private static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
