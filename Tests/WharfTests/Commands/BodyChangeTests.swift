import ArgumentParser
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
}
