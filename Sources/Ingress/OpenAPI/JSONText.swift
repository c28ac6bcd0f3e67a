import YAML

/// YAML's values as JSON, keys in the order of the document. Plain scalars have the types of YAML's core schema; quoted ones are texts.
enum JSONText {
    static func text(of node: YAMLNode) -> String {
        var text = ""
        write(node, to: &text)
        return text
    }

    /// For human readers: one member a line.
    static func indented(_ node: YAMLNode, as language: Language = .json) -> String {
        var text = ""
        write(node, to: &text, indentation: "\n", as: language)
        return text
    }

    /// The languages in which `true`, `false` and `null` are spelled differently.
    enum Language {
        case json, python

        func word(_ word: String) -> String {
            switch (self, word) {
            case (.json, _): word
            case (.python, "true"): "True"
            case (.python, "false"): "False"
            case (.python, _): "None"
            }
        }
    }

    /// `indentation` is the line break and the spaces before the contents; nil for none.
    private static func write(_ node: YAMLNode, to text: inout String, indentation: String? = nil, as language: Language = .json) {
        let inner = indentation.map { $0 + "  " }
        switch node.value {
        case .scalar(let string, let isPlain):
            write(string, isPlain: isPlain, to: &text, as: language)
        case .mapping(let mapping):
            text += "{"
            for (index, (key, value)) in mapping.enumerated() {
                text += (index > 0 ? "," : "") + (inner ?? "")
                quote(key, to: &text)
                text += inner == nil ? ":" : ": "
                write(value, to: &text, indentation: inner, as: language)
            }
            text += (mapping.isEmpty ? "" : indentation ?? "") + "}"
        case .sequence(let sequence):
            text += "["
            for (index, value) in sequence.enumerated() {
                text += (index > 0 ? "," : "") + (inner ?? "")
                write(value, to: &text, indentation: inner, as: language)
            }
            text += (sequence.isEmpty ? "" : indentation ?? "") + "]"
        }
    }

    private static func write(_ scalar: String, isPlain: Bool, to text: inout String, as language: Language) {
        guard isPlain else { return quote(scalar, to: &text) }
        switch scalar {
        case "true", "false": text += language.word(scalar)
        case "null", "~", "": text += language.word("null")
        default:
            if let number = Int(scalar) {
                text += String(number)
            } else if let number = Double(scalar), number.isFinite, scalar.utf8.first.map({ $0 < 0x3A }) == true {
                text += String(number)
            } else {
                quote(scalar, to: &text)
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
