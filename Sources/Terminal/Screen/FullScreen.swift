import Dispatch
import Glibc
import Synchronization
import UnixSignals

/// Takes over the whole terminal: raw keys, the alternate screen, and no cursor. The previous content is restored however the process ends, except by SIGKILL.
package final class FullScreen: Sendable {
    /// The size assumed for a terminal that does not report one.
    package static let usualSize = (rows: 24, columns: 80)
    /// Key strokes and changes of size that wait while the last ones are handled: what a person can type ahead.
    private static let maximumWaiting = 256
    private static let maximumRead = 1_024

    package enum Input: Sendable, Equatable {
        case key(Key)
        case resized
    }

    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    /// Static, so that a signal handler needs no memory for it.
    fileprivate static let leave: StaticString = "\u{1B}[?2026l\u{1B}[?25h\u{1B}[?1049l"
    /// Signals by which a process crashes.
    private static let fatal = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT]

    /// Whether keys can be read and the screen drawn.
    package static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

    /// A source may be suspended and resumed on any thread.
    private struct Source: @unchecked Sendable {
        let read: any DispatchSourceRead
        init(_ read: any DispatchSourceRead) { self.read = read }
    }

    private let source = Mutex<Source?>(nil)

    package init() {}

    package var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return Self.usualSize }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Takes the terminal over while `body` runs. Its inputs end at SIGTERM or SIGHUP, which ask the process to end.
    package func run<Result: Sendable>(_ body: (AsyncStream<Input>) async throws -> Result) async throws -> Result {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sighup, .sigwinch)
        let (inputs, continuation) = AsyncStream.makeStream(of: Input.self, bufferingPolicy: .bufferingOldest(Self.maximumWaiting))
        let keys = Self.keys(continuation)
        source.withLock { $0 = Source(keys) }
        take()
        keys.activate()
        defer {
            keys.cancel()
            release()
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals {
                    guard signal == .sigwinch else { return continuation.finish() }
                    continuation.yield(.resized)
                }
            }
            defer { group.cancelAll() }
            return try await body(inputs)
        }
    }

    /// Gives the terminal to another program, such as an editor, while `body` runs.
    package func suspended<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        let keys = source.withLock { $0 }
        keys?.read.suspend()
        release()
        defer {
            take()
            keys?.read.resume()
        }
        return try await body()
    }

    private func take() {
        unsafe tcgetattr(STDIN_FILENO, &original)
        for signal in Self.fatal { Glibc.signal(signal, restoreAndDie) }
        var raw = unsafe original
        unsafe cfmakeraw(&raw)
        // Line ends on the way out stay as programs write them.
        raw.c_oflag |= tcflag_t(OPOST)
        unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        Console.print(Self.enter)
    }

    private func release() {
        Console.print("\(Self.leave)")
        unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &original)
        for signal in Self.fatal { Glibc.signal(signal, SIG_DFL) }
    }

    private static func keys(_ inputs: AsyncStream<Input>.Continuation) -> any DispatchSourceRead {
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: DispatchQueue(label: "keys"))
        let parser = KeyReader()
        source.setEventHandler {
            for key in parser.read(upTo: maximumRead) { inputs.yield(.key(key)) }
        }
        return source
    }
}

/// Reads from standard input on the one queue that calls it.
private final class KeyReader: @unchecked Sendable {
    private var parser = KeyParser()

    func read(upTo maximum: Int) -> [Key] {
        var bytes = [UInt8](repeating: 0, count: maximum)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
        guard count > 0 else { return count == 0 ? [.interrupt] : [] }
        return parser.keys(in: Array(bytes.prefix(count)))
    }
}

/// The previous state of the terminal, for signal handlers, which must not take a lock. It is written before the handlers are installed, and only read by them.
private nonisolated(unsafe) var original = termios()

/// Uses only what signal handlers may: write(2), tcsetattr(3), signal(2), raise(3).
private func restoreAndDie(_ signal: Int32) {
    FullScreen.leave.withUTF8Buffer { _ = unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    unsafe tcsetattr(STDIN_FILENO, TCSANOW, &original)
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
}
