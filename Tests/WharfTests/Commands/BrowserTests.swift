import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal
import Testing

@testable import wharf

@Suite struct `Browsing dead letters` {
    private static let now = Date(timeIntervalSince1970: 1_768_470_000)

    private func letters(_ range: Range<Int>) throws -> [Letter] {
        try range.map { try JSON.decode(from: Array(`The commands for dead letters`.letter($0, detail: "détail \u{1B}[2J \($0)").utf8)) }
    }

    private func groups(_ count: Int) throws -> [LetterGroup] {
        try (0..<count).map { number in
            let text = """
                {"id":"g\(number)","service":"payments","operation":"payments.charge","cause":"gateway-refused","text":"no such source","count":12,"open":\(number),"orders":7,
                 "firstSeenAt":"2026-01-15T09:31:40.000Z","lastSeenAt":"2026-01-15T09:31:40.000Z","perHour":[0,1,2,3,4,5,6,7,0,1,2,3,4,5,6,7,0,1,2,3,4,5,6,7],"state":"open","returned":"never"}
                """
            return try JSON.decode(from: Array(text.utf8))
        }
    }

    /// A browser that shows so many letters of the first group.
    private func browser(letters count: Int, next: String? = nil) throws -> Browser {
        var browser = Browser()
        #expect(browser.receive(.groups(try groups(3))) == [])
        let effects = browser.press(.enter, page: 21)
        #expect(effects == [.loadLetters(.init(group: "g0", state: "open", text: nil))])
        _ = browser.receive(.letters(try letters(0..<count), next: next, .init(group: "g0", state: "open", text: nil)))
        return browser
    }

    @Test(arguments: [(24, 80), (24, 200), (3, 10), (1, 1), (60, 132)])
    func `a screen of any size is filled exactly, and nothing of a message reaches the terminal`(rows: Int, columns: Int) throws {
        var screens = [Browser(), try browser(letters: 50)]
        var help = Browser()
        _ = help.press(.character("?"), page: 21)
        screens.append(help)
        var one = try browser(letters: 5)
        _ = one.press(.enter, page: 21)
        _ = one.receive(.letter(try JSON.decode(from: Array(`The commands for dead letters`.letter(0, more: #","body":"{\"a\":1}","headers":{"x":"\u001b[31m"}"#).utf8))))
        screens.append(one)
        var asking = try browser(letters: 5)
        _ = asking.press(.character("d"), page: 21)
        screens.append(asking)
        for screen in screens {
            let lines = screen.lines(rows: rows, columns: columns, at: Self.now, paint: Paint(isColoured: false))
            #expect(lines.count == rows)
            for line in lines {
                let plain = line.replacing("\u{1B}[7m", with: "").replacing("\u{1B}[0m", with: "")
                #expect(!plain.contains("\u{1B}") && plain.count <= columns, "\(plain)")
            }
        }
    }

    @Test func `the selected letter stays on the screen and under the cursor while others arrive`() throws {
        var browser = try browser(letters: 50)
        for _ in 0..<30 { _ = browser.press(.down, page: 21) }
        let id = browser.selectedLetter
        let lines = browser.lines(rows: 24, columns: 80, at: Self.now, paint: Paint(isColoured: false))
        #expect(lines.count { $0.hasPrefix("\u{1B}[7m") } == 1)
        #expect(browser.refresh() == [], "a list that was scrolled is not replaced")
        _ = browser.press(.home, page: 21)
        #expect(browser.refresh().count == 1)
        _ = browser.press(.end, page: 21)
        #expect(browser.letterIndex == 49 && browser.selectedLetter != id)
        _ = browser.press(.down, page: 21)
        #expect(browser.letterIndex == 49)
    }

    @Test func `the next page is asked for once, before the end of the list, and a late reply of another list is dropped`() throws {
        var browser = try browser(letters: 100, next: "c1")
        #expect(browser.press(.pageDown, page: 21) == [])
        let effects = browser.press(.end, page: 21)
        #expect(effects == [.loadLetters(.init(group: "g0", state: "open", text: nil, cursor: "c1"))])
        #expect(browser.press(.up, page: 21) == [], "it is under way")
        _ = browser.receive(.letters(try letters(99..<200), next: nil, .init(group: "g0", state: "open", text: nil, cursor: "c1")))
        #expect(browser.letters.count == 200 && browser.letterIndex == 98)
        _ = browser.receive(.letters(try letters(0..<1), next: nil, .init(group: "g1", state: "open", text: nil)))
        #expect(browser.letters.count == 200)
    }

    @Test func `nothing is changed without confirmation`() throws {
        var browser = try browser(letters: 3)
        for (key, decision) in [("r", LetterDecision.replay), ("d", .discard), ("u", .restore)] {
            #expect(browser.press(.character(Character(key)), page: 21) == [])
            #expect(browser.question == .decide(decision, letter: try letters(0..<1)[0].id))
            for refusal in [Key.enter, .escape, .character("n"), .character(Character(key))] {
                var other = browser
                #expect(other.press(refusal, page: 21) == [] && other.question == nil)
            }
            #expect(browser.press(.character("y"), page: 21) == [.decide(decision, letter: try letters(0..<1)[0].id)])
        }
    }

    @Test func `a whole group is decided about after it was counted`() throws {
        var browser = Browser()
        _ = browser.receive(.groups(try groups(2)))
        _ = browser.press(.down, page: 21)
        #expect(browser.press(.character("r"), page: 21) == [.preview(.replay, group: "g1")])
        _ = browser.receive(.previewed(.replay, group: "g1", selected: 40, orders: 30))
        let last = browser.lines(rows: 24, columns: 80, at: Self.now, paint: Paint(isColoured: false)).last
        #expect(last == "replay 40 letters of 30 orders? y/n")
        #expect(browser.press(.character("y"), page: 21) == [.decideAll(.replay, group: "g1")])
        _ = browser.receive(.previewed(.replay, group: "g1", selected: 0, orders: 0))
        #expect(browser.question == nil, "there is nothing to ask about")
    }

    @Test func `a search is typed, shown, and ends where it began`() throws {
        var browser = Browser()
        _ = browser.receive(.groups(try groups(1)))
        for character in "/hä" { _ = browser.press(.character(character), page: 21) }
        #expect(browser.press(.enter, page: 21) == [], "two characters are too few")
        _ = browser.press(.character("q"), page: 21)
        #expect(browser.press(.enter, page: 21) == [.loadLetters(.init(group: nil, state: "open", text: "häq"))])
        #expect(browser.press(.escape, page: 21) == [.loadGroups])
        #expect(browser.press(.character("q"), page: 21) == [.quit])
    }

    @Test func `an empty search result is reported, and a key clears the search`() throws {
        var browser = try browser(letters: 3)
        for key in [Key.character("/"), .character("h"), .character("ä"), .character("q"), .enter] { _ = browser.press(key, page: 21) }
        func screen() -> String { browser.lines(rows: 24, columns: 80, at: Self.now, paint: Paint(isColoured: false)).dropFirst().joined(separator: "\n") }
        #expect(!screen().contains("No open letter"), "the result is not known yet")
        _ = browser.receive(.letters([], next: nil, .init(group: "g0", state: "open", text: "häq")))
        #expect(screen().contains("No open letter with “häq”. c clears the search"))
        #expect(browser.press(.character("c"), page: 21) == [.loadLetters(.init(group: "g0", state: "open", text: nil))])
        _ = browser.receive(.letters([], next: nil, .init(group: "g0", state: "open", text: nil)))
        #expect(screen().contains("No open letter. s shows"))
        #expect(browser.press(.character("c"), page: 21) == [], "there is no search")
    }

    @Test func `a message that is longer than a line takes the place of details`() throws {
        var browser = try browser(letters: 3)
        let path = "/tmp/wharf-letter-\(UUID().uuidString).json"
        _ = browser.receive(.failed("quantity: must be a number from 1 to 99, and it is followed by more words.\nYour text is in \(path) and can be opened again"))
        let lines = browser.lines(rows: 24, columns: 80, at: Self.now, paint: Paint(isColoured: false))
        #expect(lines.count == 24 && lines.suffix(2).joined().contains(path))
    }

    @Test(arguments: [[Key.interrupt], [.character("/"), .interrupt], [.enter, .character("r"), .interrupt]])
    func `Ctrl-C quits from every view`(keys: [Key]) throws {
        var browser = try browser(letters: 3)
        var last: [Browser.Effect] = []
        for key in keys { last = browser.press(key, page: 21) }
        #expect(last == [.quit])
    }

    @Test func `each effect is one API request`() async throws {
        let requests = CannedReplies { sent in
            sent.operation == "deadletters.jobs.start" ? (200, #"{"selected":4,"orders":3,"byCause":[]}"#) : (200, #"{"items":[]}"#)
        }
        let browser = BrowserRequests(requests: requests)
        _ = try await browser.perform(.loadLetters(.init(group: "g", state: "all", text: "abc", cursor: "c")))
        _ = try await browser.perform(.decide(.discard, letter: "1"))
        _ = try await browser.perform(.preview(.replay, group: "g"))
        _ = try await browser.perform(.saveEdit(letter: "1", body: "ü"))
        #expect(
            requests.sent == [
                .init(operation: "deadletters.letters.list", parameters: ["group": "g", "state": "all", "text": "abc", "cursor": "c", "limit": "100"], body: ""),
                .init(operation: "deadletters.letters.discard", parameters: ["id": "1"], body: ""),
                .init(operation: "deadletters.jobs.start", parameters: [:], body: #"{"action":"replay","dryRun":true,"filter":{"group":"g"}}"#),
                .init(operation: "deadletters.letters.edit", parameters: ["id": "1"], body: #"{"body":"ü"}"#),
            ])
    }
}

@Suite struct `A screen` {
    @Test func `a long line with colours becomes lines that fit, and none of it is lost`() {
        let line = "\u{1B}[2mlabel\u{1B}[0m " + String(repeating: "ä", count: 25)
        let lines = line.wrapped(toVisible: 10)
        #expect(lines.joined() == line)
        #expect(lines.map { $0.replacing("\u{1B}[2m", with: "").replacing("\u{1B}[0m", with: "").count } == [6, 10, 10, 5])
        #expect("  a word that is longer than ten".wrapped(toVisible: 10) == ["  a word ", "that is ", "longer ", "than ten"])
        #expect("    indentation".wrapped(toVisible: 10) == ["    indent", "ation"])
        #expect("".wrapped(toVisible: 10) == [""] && "abc".wrapped(toVisible: 0) == ["a", "b", "c"])
    }

    @Test func `only lines that differ are written, and all of them after a change of size`() {
        var painter = ScreenPainter()
        let first = painter.text(for: ["a", "b", "c"], columns: 80)
        #expect(first.contains("\u{1B}[2J") && ["a", "b", "c"].allSatisfy { first.contains("H\($0)\u{1B}[0m") })
        #expect(painter.text(for: ["a", "b", "c"], columns: 80) == "")
        let second = painter.text(for: ["a", "x", "c"], columns: 80)
        #expect(second.contains("\u{1B}[2;1Hx") && !second.contains("[1;1H") && !second.contains("[3;1H") && !second.contains("\u{1B}[2J"))
        #expect(painter.text(for: ["a", "x", "c"], columns: 79).contains("\u{1B}[2J"))
        painter.forget()
        #expect(painter.text(for: ["a", "x", "c"], columns: 79).contains("[1;1H"))
    }

    @Test(arguments: [
        ("\u{1B}[A\u{1B}[B", [Key.up, .down]), ("\u{1B}OA", [.up]), ("\u{1B}[5~\u{1B}[6~", [.pageUp, .pageDown]), ("\u{1B}[1;5C", [.right]), ("\u{1B}[H\u{1B}[4~", [.home, .end]),
        ("aä→😀", [.character("a"), .character("ä"), .character("→"), .character("😀")]), ("\r\n\t\u{7F}\u{3}", [.enter, .enter, .tab, .backspace, .interrupt]),
        ("\u{1B}", [.escape]), ("\u{1B}\u{1B}", [.escape, .escape]), ("\u{1B}q", [.escape, .character("q")]), ("\u{1B}[99zx", [.character("x")]), ("\u{0}\u{1}x", [.character("x")]),
    ])
    func `keys are read from what terminals send`(text: String, keys: [Key]) {
        var parser = KeyParser()
        #expect(parser.keys(in: Array(text.utf8)) == keys)
    }

    @Test func `a key that arrives in parts is one key, and invalid input is dropped`() {
        var parser = KeyParser()
        #expect(parser.keys(in: Array("\u{1B}[".utf8)) == [])
        #expect(parser.keys(in: Array("5~".utf8)) == [.pageUp])
        #expect(parser.keys(in: [0xC3]) == [])
        #expect(parser.keys(in: [0xA4]) == [.character("ä")])
        #expect(parser.keys(in: [0xFF, 0x80, 0xC3, 0x28] + Array("q".utf8)).last == .character("q"))
        #expect(parser.keys(in: Array(("\u{1B}[" + String(repeating: "1", count: 40)).utf8)) == [])
        #expect(parser.keys(in: Array("q".utf8)) == [.character("q")])
    }
}
