import FoundationEssentials
import Synchronization
import Terminal

/// Shows the progress of a run: redrawn on a terminal, a line now and then elsewhere. Other output does not mix with it.
final class LoadDisplay: Sendable {
    private static let framePause = Duration.milliseconds(200)
    private static let linePause = Duration.seconds(5)

    private struct State {
        var lines: [String] = []
        var isShown = false
    }

    let terminal: Terminal
    private let output: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(terminal: Terminal, output: @escaping @Sendable (String) -> Void = { Console.print($0) }) {
        self.terminal = terminal
        self.output = output
    }

    /// Shows the scoreboard for as long as `body` runs.
    func showing(_ scoreboard: Scoreboard, _ size: LoadLayout.Size, _ body: @Sendable () async throws -> Void) async throws {
        defer { end() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.tick(scoreboard, size) }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Writes text that ends with a line break, above the progress.
    func write(_ text: String) {
        state.withLock { output(Self.erasure($0) + text + Self.drawing($0)) }
    }

    private func tick(_ scoreboard: Scoreboard, _ size: LoadLayout.Size) async throws {
        let clock = ContinuousClock()
        while true {
            if terminal.isLive {
                draw(scoreboard, size)
                try await clock.sleep(for: Self.framePause)
            } else {
                try await clock.sleep(for: Self.linePause)
                output(scoreboard.read { LoadLayout.line($0, $1, size, now: Date()) } + "\n")
            }
        }
    }

    private func draw(_ scoreboard: Scoreboard, _ size: LoadLayout.Size) {
        let lines = scoreboard.read { LoadLayout.frame($0, $1, size, now: Date(), paint: terminal.paint) }
        state.withLock { state in
            let erasure = Self.erasure(state)
            state = State(lines: lines, isShown: true)
            output(erasure + Self.drawing(state))
        }
    }

    /// Removes the progress from the screen; the report holds everything.
    private func end() {
        state.withLock { state in
            output(Self.erasure(state))
            state = State()
        }
    }

    /// Moves the cursor to where the progress begins and clears from there.
    private static func erasure(_ state: State) -> String {
        state.isShown && !state.lines.isEmpty ? "\u{1B}[\(state.lines.count)A\u{1B}[J" : ""
    }

    private static func drawing(_ state: State) -> String {
        state.isShown ? state.lines.map { $0 + "\n" }.joined() : ""
    }
}
