import Foundation

/// An operation that ends the process when its operands are not what the author expected.
struct Trap {
    let name: String
    /// Nil for a malformed pattern, which the test of each trap shows.
    let pattern: NSRegularExpression?

    private init(_ name: String, _ pattern: String) {
        self.name = name
        self.pattern = try? NSRegularExpression(pattern: pattern)
    }

    private static let converting = "(?!clamping:|exactly:|truncatingIfNeeded:|bitPattern:|ascii:|bigEndian:|littleEndian:)"

    private static let unbounded = #"^(?!.*(contains\(|\bmin\(|clamping:)).*"#

    static let all = [
        Trap("literal subscript", #"[\w)\]?]\[-?\d+\]"#),
        Trap("force unwrap", #"[\w)\]]!(?!=)"#),
        Trap("try! or as!", #"\b(try|as)!"#),
        Trap("unique keys", #"uniqueKeysWithValues:"#),
        Trap(
            "integer of floating point",
            #"\bU?Int(8|16|32|64)?\("# + converting + #"[^)]*(timeInterval|[sS]econds|Double|\b1e\d|1000|rounded|fraction|tolerance)"#),
        Trap("narrowing", #"\bU?Int(8|16|32)\("# + converting + #"(?!-?\d+\)|[A-Za-z_]*[A-Z]{3})[^)]"#),
        Trap("computed length", #"\.(prefix|suffix|dropFirst|dropLast|reserveCapacity)\([^{]*\w - \w"#),
        Trap("range", #"[A-Za-z_]\w*[)\]]*\s*\.\.[.<]\s*\(?-?[A-Za-z_]|\.\.[.<]\s*\(?[a-z]\w*(\.\w+)*\s*[-+]|\b[a-z]\w*\.\.[.<]\s*\d"#),
        Trap("removal", #"\.remove(First|Last)\("#),
        Trap(
            "arithmetic on what came",
            #"\b\w*([aA]mount|[qQ]uantity|[pP]rice|onHand|[lL]ineTotal)\b\s*[-*+]=?\s*\w|[\w\])]\s*[-*+]=?\s*(\$\d\.)?[\w.]*\b([aA]mount|[qQ]uantity|onHand|[lL]ineTotal)\b"#),
        // Nothing is added to a field of a request where it is used, because reading it has not bounded the sum.
        Trap("arithmetic on an input", #"\binput\.\w+ [-+*]=? \S|[-+*]=? (\$\d\.|\w+\.)*input\.\w+"#),
        // A text from outside that becomes a number, which may be the largest there is. A bound on the same line settles it.
        Trap("number of a text", unbounded + #"flatMap ?[({] ?U?Int(64|32)?(\(\$0\)|\.init\b)"#),
        Trap("number of a text", unbounded + #"\bU?Int(64|32)?\((text|value|digits|[\w.]*key)\) ?(\?\?|\.map|else)"#),
        Trap("number of a text", unbounded + #"\blet \w+ = U?Int(64|32)?\((text|value|digits)\)"#),
        Trap("precondition", #"\b(precondition|preconditionFailure|fatalError|assert|assertionFailure)\("#),
        // HTTP's types trap on a status that is not from 0 to 999.
        Trap("precondition of a type", #"\bStatus\(code:|\.init\(code:"#),
    ]
}

extension String {
    func contains(_ pattern: NSRegularExpression?) -> Bool {
        pattern?.firstMatch(in: self, range: NSRange(startIndex..., in: self)) != nil
    }
}

enum SwiftLine {
    /// The line without the contents of string literals and comments. Interpolations go with their literal.
    static func code(_ line: Substring) -> String {
        var code = ""
        var isText = false
        var rest = line[...]
        while let character = rest.popFirst() {
            if isText {
                if character == "\\" { _ = rest.popFirst() }
                if character == "\"" { isText = false }
            } else if character == "\"" {
                isText = true
                code += "\"\""
            } else if character == "/", rest.first == "/" {
                break
            } else {
                code.append(character)
            }
        }
        return code
    }
}

/// A reviewed place, with the reason why it cannot trap.
struct Reviewed: Hashable {
    let trap: String
    let file: String
    let fragment: String

    /// In place of a part of a line: all of its kind in the file, where one reason holds for the whole file.
    static let any = "*"

    /// A line for each: trap, file below Sources, a part of the line, and the reason, separated by ` | `. Lines that begin with `#` are for people.
    static func read(_ file: URL) throws -> [Reviewed] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.components(separatedBy: " | ")
            guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty }) else { throw Malformed(line: String(line)) }
            return Reviewed(trap: parts[0], file: parts[1], fragment: parts[2])
        }
    }

    struct Malformed: Error {
        let line: String
    }
}
