import ArgumentParser
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal
import Testing

@testable import wharf

@Suite struct `The commands for dead letters` {
    private static let pipe = Terminal(isLive: false, isColoured: false)
    private static let screen = Terminal(isLive: false, isColoured: false, columns: 120)

    private struct NoPause: WallClock {
        func now() -> Date { Date(timeIntervalSince1970: 1_780_000_000) }
        func sleep(for duration: Duration) async throws { await Task.yield() }
    }

    static func letter(_ number: Int, state: String = "open", detail: String = "the body is not JSON", more: String = "") -> String {
        """
        {"id":"7d0e2f4a-1b3c-4d5e-8f60-\(String(100_000_000_000 + number))","operation":"payments.charge","queue":"payments.commands","cause":"malformed-message",\
        "detail":\(String(decoding: (try? JSON.encode([detail]).dropFirst().dropLast()) ?? [], as: UTF8.self)),"attempts":1,"state":"\(state)","seen":1,\
        "firstSeenAt":"2026-01-15T09:31:40.000Z","lastSeenAt":"2026-01-15T09:31:40.000Z"\(more)}
        """
    }

    /// A list of so many letters, in pages.
    private func list(of count: Int) -> CannedReplies {
        CannedReplies { sent in
            let (limit, start) = (Int(sent.parameters["limit"] ?? "") ?? 0, Int(sent.parameters["cursor"] ?? "0") ?? 0)
            let end = min(count, start + limit)
            let next = end < count ? #","nextCursor":"\#(end)""# : ""
            return (200, #"{"items":[\#((start..<end).map { Self.letter($0) }.joined(separator: ","))]\#(next)}"#)
        }
    }

    private func printed(_ arguments: [String], of count: Int, on terminal: Terminal) async throws -> (text: String, pages: Int, remark: String) {
        let (output, remarks, requests) = (Printed(), Printed(), list(of: count))
        var printer = ListPrinter(options: try ListOptions.parse(arguments), columns: Letter.columns(at: Date()), emptiness: "No dead letter matches.")
        printer.terminal = terminal
        printer.write = {
            output.write($0); return true
        }
        printer.remark = { remarks.write($0) }
        try await printer.print("deadletters.letters.list", ["state": "open"], requests)
        return (output.text, requests.sent.count, remarks.text)
    }

    @Test func `a terminal gets a table that says how to go on, and a pipe one line a letter`() async throws {
        let table = try await printed(["--limit", "3"], of: 5, on: Self.screen)
        let lines = table.text.split(separator: "\n")
        #expect(lines.count == 4 && lines.first?.hasPrefix("id") == true && lines.allSatisfy { $0.count <= 120 })
        #expect(table.remark.contains("--cursor 3"))
        let plain = try await printed(["--limit", "3"], of: 5, on: Self.pipe)
        #expect(plain.text.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).count } == [7, 7, 7] && plain.remark == "")
        #expect(plain.text.contains("\t2026-01-15T09:31:40Z\t"), "programs get the time, and not an age")
        #expect(try await printed([], of: 0, on: Self.screen).text == "No dead letter matches.\n")
        #expect(try await printed([], of: 0, on: Self.pipe).text == "")
    }

    @Test(arguments: ["--json", "--ndjson", "--limit=100000"])
    func `all letters are printed page by page`(format: String) async throws {
        let result = try await printed(["--all", format], of: 250, on: Self.pipe)
        #expect(result.pages == 3)
        switch format {
        case "--json": #expect(try JSON.decode(Listed<Letter>.self, from: Array(result.text.utf8)).items.count == 250)
        case "--ndjson": #expect(try result.text.split(separator: "\n").map { try JSON.decode(Letter.self, from: Array($0.utf8)) }.count == 250)
        default: #expect(result.text.split(separator: "\n").count == 250)
        }
    }

    @Test func `a reader that has gone ends the list`() async throws {
        let requests = list(of: 1_000)
        var printer = ListPrinter(options: try ListOptions.parse(["--all"]), columns: Letter.columns(at: Date()), emptiness: "")
        printer.terminal = Self.pipe
        printer.write = { _ in false }
        try await printer.print("deadletters.letters.list", [:], requests)
        #expect(requests.sent.count == 1)
    }

    @Test func `text of a message cannot command the terminal`() throws {
        let evil = "\u{1B}[2J\u{1B}]0;title\u{07}\tnext\r\nline\u{202E}txt"
        let letter: Letter = try JSON.decode(from: Array(Self.letter(1, detail: evil).utf8))
        var columns = Columns(Letter.columns(at: Date()))
        for text in [columns.plain([letter]), columns.table([letter], Self.screen.paint, width: nil), letter.line] {
            #expect(text.unicodeScalars.allSatisfy { ![0x1B, 0x07, 0x0D, 0x202E].contains($0.value) })
        }
        #expect(columns.plain([letter]).count { $0 == "\t" } == 6 && columns.plain([letter]).count { $0 == "\n" } == 1)
    }

    @Test func `on a narrow terminal, what does not fit is on a second line`() throws {
        let letter: Letter = try JSON.decode(from: Array(Self.letter(1, detail: String(repeating: "it broke ", count: 40)).utf8))
        var (wide, narrow) = (Columns(Letter.columns(at: Date())), Columns(Letter.columns(at: Date())))
        let lines = narrow.table([letter, letter], Self.screen.paint, width: 80).split(separator: "\n").map { $0.replacing(/\u{1B}\[[0-9;]*m/, with: "") }
        #expect(lines.count == 6 && lines.allSatisfy { $0.count <= 80 })
        #expect(lines.dropFirst(2).first?.hasPrefix(letter.id) == true && lines.dropFirst(3).first?.contains("it broke it broke") == true)
        #expect(wide.table([letter], Self.screen.paint, width: 200).split(separator: "\n").count == 2)
    }

    @Test func `a filter becomes the same parameters for a list and a job`() throws {
        let filter = try LetterFilter.parse(["--cause", "a b", "--order", "x", "--header", "h:v", "--text", "häh", "--since", "2026-01-15T09:31:40Z"])
        #expect(filter.parameters == ["cause": "a b", "order": "x", "header": "h:v", "text": "häh", "since": "2026-01-15T09:31:40Z"])
        let body = try JSON.decode(JSONValue.self, from: BulkDecision(decision: .discard, filter: filter, options: [:]).body(dryRun: true))
        #expect(body == .object(["action": "discard", "dryRun": true, "filter": .object(filter.parameters.mapValues { .string($0) })]))
        #expect(TimeArgument(argument: "2h", now: Date(timeIntervalSince1970: 7_200))?.text == "1970-01-01T00:00:00Z")
        for text in ["", "h", "0d", "-1h", "yesterday", "99999999999999d"] { #expect(TimeArgument(argument: text) == nil, "\(text)") }
    }

    @Test(arguments: [[], ["--all", "--cause", "a"], ["7d0e2f4a-1b3c-4d5e-8f60-100000000001", "--cause", "a"], ["7d0e2f4a-1b3c-4d5e-8f60-100000000001", "--all"]])
    func `a decision is about some ids, or about a filter, or about all`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try DeadLettersCommand.Discard.parse(arguments) }
    }

    @Test func `one refused letter stops none of the others, and nothing is decided in a dry run`() async throws {
        let requests = CannedReplies { sent in
            if sent.operation == "deadletters.letters.get" { return (200, Self.letter(1, state: sent.parameters["id"] == "2" ? "replayed" : "open")) }
            return sent.parameters["id"] == "2" ? CannedReplies.problem("dead-letter-replayed", "It was replayed already.") : (202, "{}")
        }
        let output = Printed()
        let selection = try DeadLettersCommand.Replay.parse(["1", "2", "3", "--past-memory"]).selection
        #expect(try await selection.decide(.replay, ["pastMemory": true], requests) { output.write($0 + "\n") } == 1)
        #expect(output.text == "1\treplayed\n2\trefused\tIt was replayed already.\n3\treplayed\n")
        #expect(requests.sent.map(\.body) == Array(repeating: #"{"pastMemory":true}"#, count: 3))
        let dry = try DeadLettersCommand.Replay.parse(["1", "2", "--dry-run"]).selection
        #expect(try await dry.decide(.replay, [:], requests) { output.write($0 + "\n") } == 1)
        #expect(requests.sent.dropFirst(3).map(\.operation) == ["deadletters.letters.get", "deadletters.letters.get"])
        #expect(output.text.hasSuffix("1\twould be replayed\tpayments.charge\n2\tis replayed\tpayments.charge\n"))
    }

    private func job(_ state: String, sent: Int) -> String {
        """
        {"id":"j1","action":"replay","filter":{},"state":"\(state)","selected":100,"sent":\(sent),"handled":\(sent),"diedAgain":0,"skipped":0,"rate":5,\
        "startedAt":"2026-01-15T09:31:40.000Z","startedBy":"ada"}
        """
    }

    @Test func `a filter's job is shown, agreed to, started and followed to its end`() async throws {
        let requests = CannedReplies { [self] sent in
            switch sent.operation {
            case "deadletters.jobs.start" where sent.body.contains("dryRun"): (200, #"{"selected":100,"orders":80,"byCause":[{"cause":"a","queue":"q","count":100}]}"#)
            case "deadletters.jobs.start": (202, job("running", sent: 0))
            default: (200, job("finished", sent: 100))
            }
        }
        let bulk = BulkDecision(decision: .replay, filter: try LetterFilter.parse(["--cause", "a"]), options: ["rates": .array([1, 5])])
        let output = Printed()
        try await bulk.run(requests, dryRun: true, clock: NoPause(), watches: true, write: { output.write($0) }) { _ in Issue.record("a dry run asks nothing") }
        #expect(requests.sent.count == 1 && output.text.contains("letters with cause a: 100 would be replayed, of 80 orders"))
        await #expect(throws: ExitCode.self) {
            try await bulk.run(requests, dryRun: false, clock: NoPause(), watches: true, write: { output.write($0) }) { _ in throw ExitCode.failure }
        }
        #expect(requests.sent.allSatisfy { $0.body.contains("dryRun") }, "who does not agree starts nothing")
        let questions = Printed()
        try await bulk.run(requests, dryRun: false, clock: NoPause(), watches: true, write: { output.write($0) }) { questions.write($0) }
        #expect(questions.text == "Replay 100 letters?")
        #expect(requests.sent.map(\.operation).suffix(3) == ["deadletters.jobs.start", "deadletters.jobs.start", "deadletters.jobs.get"])
        #expect(requests.sent.last { $0.operation == "deadletters.jobs.start" }?.body == #"{"action":"replay","filter":{"cause":"a"},"rates":[1,5]}"#)
        #expect(output.text.hasSuffix("replay finished: 100 of 100 sent, 100 handled, 0 died again, 0 skipped\n"))
    }

    @Test func `a job that stops by itself ends its watch with status 1`() async throws {
        let requests = CannedReplies { [self] _ in (200, job("stopped", sent: 7)) }
        await #expect(throws: ExitCode.failure) { try await LetterJob.follow("j1", requests, clock: NoPause(), terminal: Self.pipe) { _ in } }
    }

    @Test func `an export imported elsewhere has every byte of every letter, and a bad line stops none of the others`() async throws {
        let exporting = CannedReplies { sent in
            if sent.operation == "deadletters.letters.list" { return (200, #"{"items":[\#((0..<3).map { Self.letter($0) }.joined(separator: ","))]}"#) }
            let id = sent.parameters["id"] ?? ""
            // It was erased meanwhile.
            if id.hasSuffix("1") { return CannedReplies.problem("not-found", "There is no such dead letter.", status: 404) }
            return (200, Self.letter(Int(id.suffix(1)) ?? 0, more: #","body":"{\"a\":\"\\u0000ü\"}","bodyEncoding":"text""#))
        }
        let output = Printed()
        #expect(
            try await LetterTransfer.export(["state": "all"], exporting) {
                output.write($0); return true
            } == 2)
        var lines = [output.text.split(separator: "\n").map { Array($0.utf8) }, [Array("{}".utf8), [], Array("nonsense".utf8)]].flatMap(\.self).reversed().map(\.self)
        // The first one existed.
        let importing = CannedReplies { (output.text.hasPrefix($0.body + "\n") ? 200 : 201, "{}") }
        let complaints = Printed()
        let result = try await LetterTransfer.import({ lines.popLast() }, dryRun: false, importing) { complaints.write($0 + "\n") }
        #expect(result == .init(new: 1, known: 1, refused: 2))
        #expect(Set(importing.sent.map { $0.body + "\n" }) == Set(output.text.split(separator: "\n").map { $0 + "\n" }))
        #expect(complaints.text.contains("line 3:") && complaints.text.contains("line 5:"))
    }

    @Test func `a line is read whole wherever the reads end, and the last one needs no end`() throws {
        let folder = try TemporaryFolder()
        let text = [String(repeating: "a", count: 65_535), "", String(repeating: "ü", count: 100_000), "end"]
        try Data(text.joined(separator: "\n").utf8).write(to: URL(filePath: "\(folder.path)/lines"))
        let reader = try LineReader(path: "\(folder.path)/lines")
        var read: [String] = []
        while let line = try reader.next() { read.append(String(decoding: line, as: UTF8.self)) }
        #expect(read == text)
        #expect(throws: DeadLettersFailure.self) { try LineReader(path: "\(folder.path)/missing") }
    }

    @Test func `what arrives while somebody watches is printed once, and again when it comes back`() async throws {
        let step = Printed()
        let requests = CannedReplies { sent in
            step.write("")
            let times = [["10:00:01.000", "10:00:01.000"], ["10:00:01.000", "10:00:01.000", "10:00:01.000"], ["10:00:03.000"]]
            let letters = (times.dropFirst(step.count - 1).first ?? []).enumerated().map {
                Self.letter($0.offset).replacing(#""lastSeenAt":"2026-01-15T09:31:40.000Z""#, with: #""lastSeenAt":"2026-01-15T\#($0.element)Z""#)
            }
            return (200, #"{"items":[\#(letters.joined(separator: ","))]}"#)
        }
        var arrivals = LetterArrivals(parameters: ["cause": "a"], from: try JSON.decode(from: JSON.encode("2026-01-15T10:00:00.000Z")))
        #expect(try await arrivals.next(requests).count == 2)
        #expect(try await arrivals.next(requests).map { String($0.id.suffix(1)) } == ["2"])
        #expect(try await arrivals.next(requests).map { String($0.id.suffix(1)) } == ["0"], "it came back")
        #expect(try await arrivals.next(requests).isEmpty)
        #expect(requests.sent.map { $0.parameters["since"] ?? "" }.map { String($0.suffix(13)) } == ["10:00:00.000Z", "10:00:01.000Z", "10:00:01.000Z", "10:00:03.000Z"])
    }
}
