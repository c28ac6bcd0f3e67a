import ArgumentParser
import FoundationEssentials
import JSON
import Operator
import Terminal
import Testing

@testable import wharf

/// Letters whose bodies are shown in parts.
@Suite struct `The commands for large dead letters` {
    private static func letter(_ number: Int, _ more: String) -> String { `The commands for dead letters`.letter(number, more: more) }

    /// Part 0, 1 or 2 of a body of six bytes.
    private static func part(_ letter: Int, _ part: Int) -> String {
        let place = (part > 0 ? #","bodyOffset":\#(2 * part)"# : "") + (part < 2 ? #","nextBodyOffset":\#(2 * part + 2)"# : "")
        return Self.letter(letter, #","body":"p\#(part)","bodyEncoding":"text","bodyBytes":6\#(place)"#)
    }

    private static let cut = letter(1, #","body":"the beginning","bodyEncoding":"text","bodyBytes":13631488,"nextBodyOffset":13"#)

    private static func whole(_ text: String) throws -> WholeLetter { try JSON.decode(from: Array(text.utf8)) }

    @Test func `an export has all parts of each letter, and few letters are in memory at once`() async throws {
        let exporting = CannedReplies { sent in
            if sent.operation == "deadletters.letters.list" { return (200, #"{"items":[\#((0..<100).map { Self.letter($0, "") }.joined(separator: ","))]}"#) }
            let number = (Int(sent.parameters["id"]?.suffix(3) ?? "") ?? 0)
            return (200, Self.part(number, (Int(sent.parameters["bodyOffset"] ?? "0") ?? 0) / 2))
        }
        let output = Printed()
        let count = try await LetterTransfer.export([:], exporting) {
            let letters = Set(exporting.sent.compactMap { $0.parameters["id"] }).count
            #expect(letters <= output.count / 3 + LetterTransfer.concurrency)
            output.write($0)
            return true
        }
        #expect(count == 100)
        #expect(output.text == (0..<100).flatMap { letter in (0..<3).map { Self.part(letter, $0) + "\n" } }.joined())
    }

    @Test func `an export continues with the next letter when one is deleted between two parts`() async throws {
        let exporting = CannedReplies { sent in
            if sent.operation == "deadletters.letters.list" { return (200, #"{"items":[\#(Self.letter(1, "")),\#(Self.letter(2, ""))]}"#) }
            let isDeleted = sent.parameters["id"]?.hasSuffix("1") == true && sent.parameters["bodyOffset"] != nil
            if isDeleted { return CannedReplies.problem("not-found", "There is no such dead letter.", status: 404) }
            return (200, Self.part(Int(sent.parameters["id"]?.suffix(3) ?? "") ?? 0, (Int(sent.parameters["bodyOffset"] ?? "0") ?? 0) / 2))
        }
        let output = Printed()
        _ = try await LetterTransfer.export([:], exporting) {
            output.write($0)
            return true
        }
        #expect(output.text == [Self.part(1, 0), Self.part(2, 0), Self.part(2, 1), Self.part(2, 2), ""].joined(separator: "\n"))
    }

    @Test func `an import sends the parts of a letter in order, counts them as one letter, and skips the rest of a refused one`() async throws {
        var lines = (0..<40).flatMap { letter in (0..<3).map { Self.part(letter, $0) } }
        lines.insert("", at: 3)
        // The middle of letter 7, whose beginning is on line 23.
        let importing = CannedReplies { sent in
            if sent.body == Self.part(7, 1) { return CannedReplies.problem("invalid-input", "There is a gap.", status: 422) }
            return (sent.body.contains("bodyOffset\":2") || sent.body.contains("bodyOffset\":4,") ? 200 : 201, "{}")
        }
        let complaints = Printed()
        var rest = lines.reversed().map { Array($0.utf8) }
        let result = try await LetterTransfer.import({ rest.popLast() }, dryRun: false, importing) { complaints.write($0 + "\n") }
        #expect(result.new + result.known == 39 && result.refused == 1, "\(result)")
        #expect(complaints.text == "line 24: There is a gap.\n")
        for letter in 0..<40 {
            let sent = importing.sent.map(\.body).filter { $0.contains("-\(100_000_000_000 + letter)\"") }
            #expect(sent == (0..<(letter == 7 ? 2 : 3)).map { Self.part(letter, $0) }, "\(letter)")
        }
        rest = lines.reversed().map { Array($0.utf8) }
        #expect(try await LetterTransfer.import({ rest.popLast() }, dryRun: true, importing) { _ in } == .init(new: 40))
    }

    @Test func `a file that ends in the middle of a letter is reported as incomplete`() async throws {
        var lines = [Self.part(0, 0), Self.part(1, 0), Self.part(1, 1)].reversed().map { Array($0.utf8) }
        let importing = CannedReplies { _ in (201, "{}") }
        let complaints = Printed()
        let result = try await LetterTransfer.import({ lines.popLast() }, dryRun: false, importing) { complaints.write($0 + "\n") }
        #expect(result == .init(refused: 2) && importing.sent.isEmpty)
        #expect(Set(complaints.text.split(separator: "\n")) == ["line 1: the rest of the letter is missing", "line 3: the rest of the letter is missing"])
    }

    @Test func `a letter is shown with the beginning of its body and the full size`() throws {
        let text = LetterText(try Self.whole(Self.cut), terminal: Terminal(isLive: false, isColoured: false)).lines
        #expect(text.contains("the beginning") && text.contains("… the first 13 of 13631488 bytes"))
        let binary = Self.letter(1, #","body":"AAEC","bodyEncoding":"base64","bodyBytes":13631488,"nextBodyOffset":3"#)
        let lines = LetterText(try Self.whole(binary), terminal: Terminal(isLive: false, isColoured: false)).lines
        #expect(lines.contains("13631488 bytes that are not text; --json shows the first 3 of 13631488 bytes in Base64"))
    }

    @Test func `a body with only its beginning shown can be neither edited nor compared, unless it was already edited`() async throws {
        let requests = CannedReplies { _ in (204, "") }
        let change = EditedBody(settings: ["a=2"], dryRun: false, confirmation: try Confirmation.parse(["--yes"]))
        let cut = try Self.whole(Self.cut)
        let failure = await #expect(throws: UnavailableBody.self) { try await change.edit(cut, requests) { _ in } }
        #expect(failure?.description == "Only the first 13 of 13631488 bytes of the body are shown, so it can be neither edited nor compared.")
        #expect(throws: UnavailableBody.self) { try cut.originalText() }
        #expect(requests.sent.isEmpty)
        let edited = try Self.whole(Self.cut.dropLast() + #","edit":{"body":"{\"a\":7}","by":"ada","at":"2026-01-15T09:31:40.000Z"}}"#)
        try await change.edit(edited, requests) { _ in }
        #expect(requests.sent.map(\.body) == [#"{"body":"{\"a\":2}"}"#])
    }
}
