import ArgumentParser
import Assembly
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Browse: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows groups and letters in full screen; ? shows the keys.",
            discussion: "80 columns and 24 lines are enough, also over ssh. Exit status 0: quit normally. 1: no answer came. 64: not a terminal.")

        func run() async throws {
            guard FullScreen.isPossible else { throw ValidationError("browse needs a terminal; list, groups and show do not.") }
            try await ShellRequests.run("dead-letters") { shell in
                try await BrowserLoop(requests: shell, clock: shell.clock, screen: FullScreen()).run()
            }
        }
    }
}

/// Runs the browser on a terminal: forwards keys and replies, performs its effects, and draws changes.
struct BrowserLoop: Sendable {
    /// The pause between two refreshes.
    private static let interval: Duration = .seconds(2)
    /// Requests under way and replies that wait: an operator has a handful.
    private static let maximumWaiting = 256

    let requests: any OperatorRequests
    let clock: any WallClock
    let screen: FullScreen

    private enum Input: Sendable {
        case screen(FullScreen.Input)
        case event(Browser.Event)
        case tick
    }

    func run() async throws {
        let paint = Terminal.own.paint
        try await screen.run { keys in
            let (inputs, continuation) = AsyncStream.makeStream(of: Input.self, bufferingPolicy: .bufferingOldest(Self.maximumWaiting))
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await key in keys { continuation.yield(.screen(key)) }
                    // Not an input, which would be dropped if too many waited.
                    continuation.finish()
                }
                group.addTask {
                    while (try? await clock.sleep(for: Self.interval)) != nil { continuation.yield(.tick) }
                }
                defer { group.cancelAll() }
                var browser = Browser()
                var painter = ScreenPainter()
                var effects = Browser.first
                var waiting = inputs.makeAsyncIterator()
                while true {
                    for effect in effects {
                        if effect == .quit { return }
                        if case .edit(let letter) = effect {
                            let event = await edit(letter)
                            painter.forget()
                            continuation.yield(.event(event))
                        } else {
                            group.addTask { if let event = await perform(effect) { continuation.yield(.event(event)) } }
                        }
                    }
                    let (rows, columns) = screen.size
                    browser.limitScroll(to: browser.letterLines(columns, paint).count - Browser.page(rows))
                    Console.print(painter.text(for: browser.lines(rows: rows, columns: columns, at: clock.now(), paint: paint), columns: columns))
                    guard let input = await waiting.next() else { return }
                    switch input {
                    case .screen(.key(let key)): effects = browser.press(key, page: Browser.page(screen.size.rows))
                    case .screen(.resized): effects = []
                    case .event(let event): effects = browser.receive(event)
                    case .tick: effects = browser.refresh()
                    }
                }
            }
        }
    }

    /// What the browser asks of the services.
    private func perform(_ effect: Browser.Effect) async -> Browser.Event? {
        do {
            return try await BrowserRequests(requests: requests).perform(effect)
        } catch is CancellationError {
            return nil
        } catch {
            return .failed("\(error)")
        }
    }

    private func edit(_ letter: String) async -> Browser.Event {
        do {
            let whole: WholeLetter = try await requests.get("deadletters.letters.get", ["id": letter])
            let old = try whole.currentText()
            let new = try await screen.suspended { try await TextEditor().edited(old) }
            return .edited(letter: letter, body: LetterDifference(from: old, to: new).isEmpty ? nil : new)
        } catch {
            return .failed("\(error)")
        }
    }
}

/// The requests behind each effect of the browser.
struct BrowserRequests: Sendable {
    private static let page = "100"

    let requests: any OperatorRequests

    func perform(_ effect: Browser.Effect) async throws -> Browser.Event? {
        switch effect {
        case .loadGroups:
            return .groups(try await requests.get(Listed<LetterGroup>.self, "deadletters.groups.list", ["state": "open", "limit": Self.page]).items)
        case .loadLetters(let query):
            var parameters = ["state": query.state, "limit": Self.page]
            parameters["group"] = query.group
            parameters["text"] = query.text
            parameters["cursor"] = query.cursor
            let list = try await requests.get(Listed<Letter>.self, "deadletters.letters.list", parameters)
            return .letters(list.items, next: list.nextCursor, query)
        case .loadLetter(let id):
            return .letter(try await requests.get("deadletters.letters.get", ["id": id]))
        case .decide(let decision, let letter):
            try await requests.accepted(decision.operation, decision.durability, ["id": letter])
            return .done("\(letter) \(decision.done).")
        case .preview(let decision, let group):
            let reply = try await requests.accepted("deadletters.jobs.start", .durable, [:], try body(decision, group, dryRun: true))
            let preview = try JSON.decode(JobPreview.self, from: reply.body)
            return .previewed(decision, group: group, selected: preview.selected, orders: preview.orders)
        case .decideAll(let decision, let group):
            let reply = try await requests.accepted("deadletters.jobs.start", .durable, [:], try body(decision, group, dryRun: false))
            return .done("Job \(try JSON.decode(LetterJob.self, from: reply.body).id) has started; wharf dead-letters jobs lists it.")
        case .saveEdit(let letter, let body):
            do {
                try await requests.accepted("deadletters.letters.edit", .command, ["id": letter], try JSON.encode(["body": body]))
            } catch {
                throw TextEditor.keeping(body, after: error)
            }
            return .done("Edited; a replay sends this body.")
        case .edit, .quit: return nil
        }
    }

    private func body(_ decision: LetterDecision, _ group: String, dryRun: Bool) throws -> [UInt8] {
        var members: [String: JSONValue] = ["action": .string(decision.rawValue), "filter": .object(["group": .string(group)])]
        if dryRun { members["dryRun"] = true }
        return try JSON.encode(members)
    }
}
