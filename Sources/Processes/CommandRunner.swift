public import Runtime
import Synchronization

/// Runs one command any number of times, but never twice at once.
public final class CommandRunner: Sendable {
    public struct Result: Sendable, Equatable {
        public let status: ManagedProcess.ExitStatus
        /// True if it was still running at the time limit.
        public let isKilled: Bool
        /// The last lines of standard output and standard error.
        public let output: String

        public var isSuccess: Bool { !isKilled && status == .exited(0) }
    }

    /// How many of the last bytes of output are kept.
    public static let maximumOutput = 2_048

    private let name: String
    private let command: ProcessCommand
    private let limit: Duration
    private let patience: Duration
    private let clock: any WallClock
    private let turns = Turns()

    /// - Parameters:
    ///   - name: For messages.
    ///   - limit: The time after which the command is killed, with all processes below it.
    ///   - patience: How long a run waits for earlier ones to end, measured by `clock`.
    public init(name: String, command: ProcessCommand, limit: Duration, patience: Duration = .zero, clock: any WallClock) {
        self.name = name
        self.command = command
        self.limit = limit
        self.patience = patience
        self.clock = clock
    }

    /// The run under way, and those that wait for it.
    package var unfinished: Int { turns.unfinished }

    /// - Parameter input: See ``ProcessCommand/input``.
    /// - Throws: ``ProcessError``: `running` if earlier runs have not ended within the patience, `missing` if there is no such program.
    public func run(input: String) async throws -> Result {
        let result = try await turns.take(within: patience, by: clock) { try await start(input) }
        guard let result else { throw ProcessError(.running, "\(name) is already running.") }
        return result
    }

    private func start(_ input: String) async throws -> Result {
        var command = command
        command.input = input
        let output = LastLines(maximumBytes: Self.maximumOutput)
        let (status, isKilled) = try await ManagedProcess(name: name, command: command, output: .lines { output.add($0) }).run(within: limit)
        return Result(status: status, isKilled: isKilled, output: output.text)
    }
}

/// The last lines of an output.
private final class LastLines: Sendable {
    private let maximumBytes: Int
    private let lines = Mutex<[String]>([])

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    func add(_ line: String) {
        lines.withLock { lines in
            lines.append(String(decoding: line.utf8.suffix(maximumBytes), as: UTF8.self))
            while lines.count > 1, lines.reduce(0, { $0 + $1.utf8.count + 1 }) > maximumBytes { lines.removeFirst() }
        }
    }

    var text: String { lines.withLock { $0.joined(separator: "\n") } }
}
