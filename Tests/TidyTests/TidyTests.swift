import Foundation
import Testing

/// Rules for the sources that handle untrusted bytes.
@Suite struct `Tidy` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// The sources that read bytes, headers, messages and rows that others have written.
    private static let folders = ["Ingress", "Console", "Input", "JSON", "Runtime", "Messaging", "Topology", "Contracts", "Clients", "Services"]

    private struct Place {
        let file: String
        let number: Int
        let line: String
        let trap: String
    }

    private static func places() throws -> [Place] {
        var places: [Place] = []
        for folder in folders {
            let sources = root.appending(path: "Sources/\(folder)")
            let paths = FileManager.default.enumerator(atPath: sources.path())?.compactMap { $0 as? String } ?? []
            for path in paths.sorted() where path.hasSuffix(".swift") {
                let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
                for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    let code = SwiftLine.code(line)
                    for trap in Trap.all where code.contains(trap.pattern) {
                        let shown = line.trimmingCharacters(in: .whitespaces)
                        places.append(Place(file: "\(folder)/\(path)", number: number + 1, line: shown, trap: trap.name))
                    }
                }
            }
        }
        return places
    }

    /// A line that may trap ends the process, and with it every request under way: two such requests a second keep an ingress down.
    @Test func `nothing that handles untrusted bytes can trap, except what was reviewed`() throws {
        let reviewed = try Reviewed.read(Self.root.appending(path: "Tests/TidyTests/reviewed.txt"))
        var used: Set<Reviewed> = []
        for place in try Self.places() {
            let matching = reviewed.filter { $0.trap == place.trap && $0.file == place.file && ($0.fragment == Reviewed.any || place.line.contains($0.fragment)) }
            used.formUnion(matching)
            if matching.isEmpty {
                Issue.record(
                    """
                    Sources/\(place.file):\(place.number): \(place.trap): \(place.line)
                    Write it so that it cannot trap, or add it to Tests/TidyTests/reviewed.txt with the reason why it cannot.
                    """)
            }
        }
        for entry in reviewed where !used.contains(entry) {
            Issue.record("Tests/TidyTests/reviewed.txt: nothing matches '\(entry.trap) | \(entry.file) | \(entry.fragment)' any longer")
        }
    }

    @Test(arguments: [
        ("let last = parts[0]", "literal subscript"), ("let last = split()[1]", "literal subscript"), ("return values.first!", "force unwrap"),
        ("let port = Int(text)!", "force unwrap"), ("try! start()", "try! or as!"), ("value as! String", "try! or as!"),
        ("Dictionary(uniqueKeysWithValues: pairs)", "unique keys"), ("Int(date.timeIntervalSince1970)", "integer of floating point"),
        ("Int64(seconds * 1e9)", "integer of floating point"), ("UInt8(number)", "narrowing"), ("Int32(bytes.count)", "narrowing"),
        ("text.prefix(limit - used)", "computed length"), ("bytes[start..<end]", "range"), ("for n in first...last {", "range"),
        ("queue.removeFirst()", "removal"), ("total.amount * quantity", "arithmetic on what came"), ("sum += line.quantity", "arithmetic on what came"),
        ("min(item.input.after + 1, history.count)", "arithmetic on an input"), ("let last = first + $0.input.count", "arithmetic on an input"),
        ("round: text.flatMap { Int($0) } ?? 0", "number of a text"), ("guard let number = Int64(text) else { return nil }", "number of a text"),
        ("let number = Int(digits) ?? 0", "number of a text"), ("precondition(isOpen)", "precondition"), ("Status(code: status)", "precondition of a type"),
    ])
    func `the lint detects what it is for`(line: String, trap: String) {
        #expect(Trap.all.contains { $0.name == trap && SwiftLine.code(line[...]).contains($0.pattern) })
    }

    @Test(arguments: [
        "// parts[0] would trap", "throw error(\"values[0] is missing\")", "if !isOpen { return }", "let isOther = a != b", "UInt8(truncatingIfNeeded: number)",
        "UInt16(clamping: size)", "UInt8(ascii: \"a\")", "for index in 0..<10 {", "Int64(exactly: seconds)", "case 1...limit where limit > 0: break // a..<b",
        "guard let value = Int(text), range.contains(value) else {", "min(item.input.after, history.count - 1)", "let size = Int(bytes.count)",
    ])
    func `the lint accepts what cannot trap`(line: String) {
        #expect(!Trap.all.contains { $0.name != "range" && SwiftLine.code(line[...]).contains($0.pattern) })
    }
}
