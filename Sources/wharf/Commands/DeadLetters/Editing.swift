import ArgumentParser
import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal

extension DeadLettersCommand {
    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes the body that a replay sends; the original is kept, and at most one of the two takes effect.",
            discussion: """
                Opens $VISUAL, $EDITOR or vi; with --set, changes JSON members instead: --set lines[0].quantity=2. A value that is not JSON is taken as a string. \
                The service checks the new body against what the operation accepts. If the edit is not accepted, your text is kept in a temporary file, which --resume opens again.
                """)

        @Argument(help: "The letter's id.") var id: String
        @Option(name: .customLong("set"), help: "path=value; may be repeated.") var settings: [String] = []
        @Option(help: "Open this file, in which the text of an edit that was not accepted was kept.") var resume: String?
        @Flag(help: "Go back to the original.") var revert = false
        @Flag(help: "Show the difference, and change nothing.") var dryRun = false
        @OptionGroup var confirmation: Confirmation

        func validate() throws {
            guard [revert, !settings.isEmpty, resume != nil].count(where: \.self) <= 1 else { throw ValidationError("Give only one of --revert, --set and --resume.") }
            for setting in settings { _ = try BodyChange(setting) }
        }

        func run() async throws {
            let (id, isReverted, change) = (id, revert, EditedBody(settings: settings, resume: resume, dryRun: dryRun, confirmation: confirmation))
            try await ShellRequests.run("dead-letters") { shell in
                let letter: WholeLetter = try await shell.get("deadletters.letters.get", ["id": id])
                try await isReverted ? change.revert(letter, shell) : change.edit(letter, shell)
            }
        }
    }
}

/// Edits the message that a replay of a letter sends.
struct EditedBody: Sendable {
    let settings: [String]
    var resume: String?
    let dryRun: Bool
    let confirmation: Confirmation
    var editor = TextEditor()

    func edit(_ letter: WholeLetter, _ requests: any OperatorRequests, write: @Sendable (String) -> Void = { Console.print($0) }) async throws {
        let (id, old) = (letter.letter.id, try letter.currentText())
        let new = settings.isEmpty ? try await editor.edited(old, resuming: resume) : try BodyChange.apply(settings.map(BodyChange.init), to: old)
        let difference = LetterDifference(from: old, to: new)
        guard !difference.isEmpty else { return write("Nothing has changed.\n") }
        write(difference.text(Terminal.own.paint))
        if dryRun { return }
        do {
            try await confirmation.ask("Keep this as the body of letter \(id.printable)?")
            try await requests.accepted("deadletters.letters.edit", .command, ["id": id], try JSON.encode(["body": new]))
        } catch let failure where settings.isEmpty && !(failure is ExitCode) {
            throw TextEditor.keeping(new, in: resume, after: failure)
        }
        if let resume { try? FileManager.default.removeItem(atPath: resume) }
        write("edited; replay sends this body: wharf dead-letters replay \(id.printable)\n")
    }

    func revert(_ letter: WholeLetter, _ requests: any OperatorRequests, write: @Sendable (String) -> Void = { Console.print($0) }) async throws {
        let id = letter.letter.id
        guard letter.edit != nil else { return write("The letter is not edited.\n") }
        if dryRun { return write("The edit would be removed.\n") }
        try await confirmation.ask("Remove the edit of letter \(id.printable)?")
        try await requests.accepted("deadletters.letters.revert", .command, ["id": id])
    }
}

/// `path=value`: a change of one member of JSON.
struct BodyChange: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case member(String)
        case element(Int)
    }

    let path: [Step]
    let value: JSONValue

    init(_ text: String) throws {
        guard let sign = text.firstIndex(of: "="), sign > text.startIndex else { throw ValidationError("'\(text.printable)' is not path=value.") }
        path = try Self.steps(String(text[..<sign]))
        let given = String(text[text.index(after: sign)...])
        value = (try? JSON.decode(JSONValue.self, from: Array(given.utf8))) ?? .string(given)
    }

    /// `a.b[0].c`
    private static func steps(_ text: String) throws -> [Step] {
        try text.split(separator: ".", omittingEmptySubsequences: false).flatMap { part -> [Step] in
            let name = part.prefix { $0 != "[" && $0 != "]" }
            var steps: [Step] = name.isEmpty ? [] : [.member(String(name))]
            var rest = part.dropFirst(name.count)
            while rest.first == "[" {
                let digits = rest.dropFirst().prefix { $0 != "]" }
                guard let index = Int(digits), index >= 0, rest.dropFirst(digits.count + 1).first == "]" else { throw ValidationError("'\(text.printable)' is not a path such as lines[0].quantity.") }
                steps.append(.element(index))
                rest = rest.dropFirst(digits.count + 2)
            }
            guard !steps.isEmpty, rest.isEmpty else { throw ValidationError("'\(text.printable)' is not a path such as lines[0].quantity.") }
            return steps
        }
    }

    static func apply(_ changes: [BodyChange], to body: String) throws -> String {
        guard var value = try? JSON.decode(JSONValue.self, from: Array(body.utf8)) else { throw DeadLettersFailure("The body is not JSON: edit it without --set.") }
        for change in changes { value = try change.applied(to: value, change.path[...]) }
        return String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    private func applied(to value: JSONValue, _ path: ArraySlice<Step>) throws -> JSONValue {
        guard let step = path.first else { return self.value }
        switch (step, value) {
        case (.member(let name), .object(var members)):
            members[name] = try applied(to: members[name] ?? .object([:]), path.dropFirst())
            return .object(members)
        case (.element(let index), .array(var elements)) where index <= elements.count:
            let new = try applied(to: index < elements.count ? elements[index] : .object([:]), path.dropFirst())
            if index < elements.count { elements[index] = new } else { elements.append(new) }
            return .array(elements)
        case (.member(let name), _): throw DeadLettersFailure("There is no object that could have the member '\(name.printable)'.")
        case (.element(let index), _): throw DeadLettersFailure("There is no array with an element \(index).")
        }
    }
}
