import ArgumentParser
import FoundationEssentials
import JSON
import Operator
import Terminal
import Testing

@testable import wharf

@Suite struct BodyChangeTests {
    @Test(arguments: [
        (["a=2"], #"{"a":2,"b":[1,{"c":"x"}]}"#), (["b[1].c=y"], #"{"a":1,"b":[1,{"c":"y"}]}"#), (["b[1].c=\"7\""], #"{"a":1,"b":[1,{"c":"7"}]}"#),
        (["b[2]=null", "d.e=true"], #"{"a":1,"b":[1,{"c":"x"},null],"d":{"e":true}}"#), (["a={\"z\":[]}"], #"{"a":{"z":[]},"b":[1,{"c":"x"}]}"#), (["a=b=c"], #"{"a":"b=c","b":[1,{"c":"x"}]}"#),
    ])
    func `a path names a member, and its value is JSON or else a text`(settings: [String], expected: String) throws {
        #expect(try BodyChange.apply(settings.map(BodyChange.init), to: #"{"a":1,"b":[1,{"c":"x"}]}"#) == expected)
    }

    @Test(arguments: ["a", "=1", ".a=1", "a..b=1", "a[=1", "a[x]=1", "a[-1]=1", "a]=1", "a[0]b=1"])
    func `an invalid path is refused before any request is sent`(setting: String) {
        #expect(throws: (any Error).self) { try BodyChange(setting) }
    }

    @Test(arguments: [("a.b=1", #"{"a":1}"#), ("a[0]=1", #"{"a":{}}"#), ("a[3]=1", #"{"a":[0]}"#), ("a=1", "[]"), ("a=1", "not JSON")])
    func `a path that leads nowhere is refused, without the usage of the command`(setting: String, body: String) {
        #expect(throws: DeadLettersFailure.self) { try BodyChange.apply([BodyChange(setting)], to: body) }
    }

    @Test func `the difference of two bodies is that of their lines as people read them`() {
        let difference = LetterDifference(from: #"{"b":[1,2],"a":"x"}"#, to: #"{"a":"y","b":[1,2]}"#)
        #expect(difference.lines.filter { if case .same = $0 { false } else { true } } == [.removed(#"  "a": "x","#), .added(#"  "a": "y","#)])
        #expect(LetterDifference(from: #"{"a":1,"b":2}"#, to: #"{ "b": 2, "a": 1 }"#).isEmpty, "order and blanks are no difference")
        #expect(!LetterDifference(from: "plain", to: "other").isEmpty)
        #expect(LetterDifference(from: "a\nb\nc\nd", to: "a\nc\nd\ne").lines == [.same("a"), .removed("b"), .same("c"), .same("d"), .added("e")])
    }

    @Test func `a sparkline has a character an hour, blank where nothing happened`() {
        #expect([0, 1, 4, 8].sparkline == " ▁▄█")
        #expect([Int](repeating: 0, count: 24).sparkline == String(repeating: " ", count: 24))
    }

    private static func letter(edit: String = "") throws -> WholeLetter {
        try JSON.decode(from: Array(`The commands for dead letters`.letter(1, more: #","body":"{\"a\":1}","bodyEncoding":"text"\#(edit)"#).utf8))
    }

    @Test func `an edit is shown and kept, changes the edit before it, and is removed on request`() async throws {
        let requests = CannedReplies { _ in (204, "") }
        let output = Printed()
        let confirmation = try Confirmation.parse(["--yes"])
        let letter = try Self.letter()
        let dry = EditedBody(settings: ["a=2"], dryRun: true, confirmation: confirmation)
        try await dry.edit(letter, requests) { output.write($0) }
        #expect(requests.sent.isEmpty && output.text.contains("+   \"a\": 2"))
        let change = EditedBody(settings: ["b=3"], dryRun: false, confirmation: confirmation)
        let edited = try Self.letter(edit: #","edit":{"body":"{\"a\":7}","by":"ada","at":"2026-01-15T09:31:40.000Z"}"#)
        try await change.edit(edited, requests) { output.write($0) }
        #expect(requests.sent == [.init(operation: "deadletters.letters.edit", parameters: ["id": letter.letter.id], body: #"{"body":"{\"a\":7,\"b\":3}"}"#)])
        try await change.revert(letter, requests) { output.write($0) }
        #expect(requests.sent.count == 1, "there is nothing to revert")
        try await change.revert(edited, requests) { output.write($0) }
        #expect(requests.sent.last?.operation == "deadletters.letters.revert")
    }

    // MARK: The editor

    /// An editor that writes this text into its file, and the file's name into `path`.
    private func editor(_ text: String, in folder: TemporaryFolder, status: Int = 0) throws -> TextEditor {
        let script = "#!/bin/sh\necho \"$1\" > \(folder.path)/path\ncat \(folder.path)/text > \"$1\"\nexit \(status)\n"
        try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/text"))
        try Data(script.utf8).write(to: URL(filePath: "\(folder.path)/editor"))
        return TextEditor(command: "sh \(folder.path)/editor")
    }

    private func lastFile(_ folder: TemporaryFolder) throws -> String {
        String(String(decoding: try Data(contentsOf: URL(filePath: "\(folder.path)/path")), as: UTF8.self).dropLast())
    }

    private func change(_ editor: TextEditor, resume: String? = nil) throws -> EditedBody {
        EditedBody(settings: [], resume: resume, dryRun: false, confirmation: try Confirmation.parse(["--yes"]), editor: editor)
    }

    /// The file that an error names.
    private func file(in failure: DeadLettersFailure?) throws -> String {
        let text = try #require(failure?.description.split(separator: "Your text is in ").last)
        return String(text.prefix { $0 != " " })
    }

    @Test func `an edit that the service rejects is kept in a file that only its owner can read, and can be resumed until it is accepted`() async throws {
        let folder = try TemporaryFolder()
        let letter = try Self.letter()
        let refusal = CannedReplies { _ in (422, #"{"type":"https://wharf.example/problems/invalid-input","title":"Invalid input","status":422,"detail":"a must be less than 9"}"#) }
        let refused = await #expect(throws: DeadLettersFailure.self) { try await change(editor(#"{"a":9}"#, in: folder)).edit(letter, refusal) { _ in } }
        let kept = try file(in: refused)
        #expect(refused?.description.contains("a must be less than 9") == true)
        #expect(try FileManager.default.attributesOfItem(atPath: kept)[.posixPermissions] as? Int == 0o600)
        #expect(try String(decoding: Data(contentsOf: URL(filePath: kept)), as: UTF8.self) == "{\n  \"a\": 9\n}\n")
        let broken = await #expect(throws: DeadLettersFailure.self) { try await change(editor(#"{"a":8"#, in: folder), resume: kept).edit(letter, refusal) { _ in } }
        #expect(try file(in: broken) == kept)
        let acceptance = CannedReplies { _ in (204, "") }
        try await change(editor(#"{"a":8}"#, in: folder), resume: kept).edit(letter, acceptance) { _ in }
        #expect(acceptance.sent.map(\.body) == [#"{"body":"{\"a\":8}"}"#])
        #expect(try lastFile(folder) == kept && !FileManager.default.fileExists(atPath: kept))
    }

    @Test func `an edit that is accepted, changes nothing, or fails before anything is written, leaves no file`() async throws {
        let folder = try TemporaryFolder()
        let letter = try Self.letter()
        let requests = CannedReplies { _ in (204, "") }
        try await change(editor(#"{"a":2}"#, in: folder)).edit(letter, requests) { _ in }
        #expect(try requests.sent.count == 1 && !FileManager.default.fileExists(atPath: lastFile(folder)))
        try await change(editor(#"{"a": 1}"#, in: folder)).edit(letter, requests) { _ in }
        #expect(try requests.sent.count == 1 && !FileManager.default.fileExists(atPath: lastFile(folder)))
        let failure = await #expect(throws: DeadLettersFailure.self) { try await change(editor("{\n  \"a\": 1\n}\n", in: folder, status: 1)).edit(letter, requests) { _ in } }
        #expect(failure?.description == "The editor failed. Nothing was changed.")
        #expect(try !FileManager.default.fileExists(atPath: lastFile(folder)))
    }

    @Test func `the error of a rejected edit in the full-screen view names the file that has the text`() async throws {
        let browser = BrowserRequests(requests: CannedReplies { _ in (422, "{}") })
        let failure = await #expect(throws: DeadLettersFailure.self) { _ = try await browser.perform(.saveEdit(letter: "1", body: "typed")) }
        let kept = try file(in: failure)
        #expect(try String(decoding: Data(contentsOf: URL(filePath: kept)), as: UTF8.self) == "typed")
        try FileManager.default.removeItem(atPath: kept)
    }
}
