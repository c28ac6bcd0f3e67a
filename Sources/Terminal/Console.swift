import Glibc
import Synchronization

/// Shows a person what happens: redrawn progress on a terminal, plain lines elsewhere. Lines never mix with progress.
package final class Console: Sendable {
    package static let framePause = Duration.milliseconds(100)

    private struct State {
        var progress: Progress?
        /// How many lines of progress stand on the screen.
        var drawn = 0
        var turn = 0
    }

    package let terminal: Terminal
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let clock = ContinuousClock()

    package init(terminal: Terminal, write: @escaping @Sendable (String) -> Void = { Console.print($0) }) {
        self.terminal = terminal
        self.write = write
    }

    package var paint: Paint { terminal.paint }

    /// Writes whole lines.
    package func line(_ text: String) {
        state.withLock { state in
            var output = erasure(&state) + text + "\n"
            output += drawing(&state)
            write(output)
        }
    }

    /// Shows the parts for as long as `body` runs; it ends each part with ``part(_:_:)``.
    package func progress<Result: Sendable>(_ names: [String], _ body: @Sendable () async throws -> Result) async rethrows -> Result {
        state.withLock { state in
            state.progress = Progress(names)
            redraw(&state)
        }
        defer { state.withLock { finish(&$0) } }
        guard terminal.isLive else { return try await body() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.animate() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    /// One part of the progress that is shown: the text that it returns is printed after its name.
    package func part(_ name: String, _ body: @Sendable () async throws -> String) async throws {
        state.withLock { state in
            state.progress?.begin(name, at: clock.now)
            redraw(&state)
        }
        do {
            end(name, .done, remark: try await body())
        } catch {
            end(name, Task.isCancelled ? .stopped : .failed)
            throw error
        }
    }

    /// One part that cannot fail.
    package func part(_ name: String, _ body: @Sendable () async -> Void) async {
        state.withLock { state in
            state.progress?.begin(name, at: clock.now)
            redraw(&state)
        }
        await body()
        end(name, .done)
    }

    private func end(_ name: String, _ end: Progress.End, remark: String = "") {
        state.withLock { state in
            let part = state.progress?.end(name, end, remark: remark, at: clock.now)
            if terminal.isLive {
                redraw(&state)
            } else if let line = part.flatMap(ProgressLayout.line) {
                write(line + "\n")
            }
        }
    }

    private func animate() async throws {
        while true {
            try await clock.sleep(for: Self.framePause)
            state.withLock { state in
                state.turn += 1
                redraw(&state)
            }
        }
    }

    private func finish(_ state: inout State) {
        redraw(&state)
        state.progress = nil
        state.drawn = 0
    }

    private func redraw(_ state: inout State) {
        guard terminal.isLive, state.progress != nil else { return }
        write(erasure(&state) + drawing(&state))
    }

    /// Moves the cursor to where the progress begins and clears from there.
    private func erasure(_ state: inout State) -> String {
        defer { state.drawn = 0 }
        return state.drawn == 0 ? "" : "\u{1B}[\(state.drawn)A\u{1B}[J"
    }

    private func drawing(_ state: inout State) -> String {
        guard terminal.isLive, let progress = state.progress else { return "" }
        let lines = ProgressLayout.frame(progress, at: clock.now, turn: state.turn, paint: paint)
        state.drawn = lines.count
        return lines.map { $0 + "\n" }.joined()
    }

    /// To standard output, in one write where the kernel accepts it. Output that cannot be written is dropped.
    /// False once the reading end is closed.
    @discardableResult
    package static func print(_ text: String) -> Bool {
        write(text, to: STDOUT_FILENO)
    }

    /// The same, to an open file.
    @discardableResult
    package static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
