import Glibc
import Synchronization
import UnixSignals

/// Ctrl-C, SIGTERM, or the end of the terminal: the first asks for an ordered stop, the second ends everything at once.
package final class StopRequest: Sendable {
    /// The status by which shells report a process that Ctrl-C ended.
    private static let statusOfInterrupt: Int32 = 130
    /// A second signal within this time belongs to the same request: a terminal, `make` and `timeout` each pass it on.
    private static let echo = Duration.milliseconds(500)

    private let requests: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation
    private let isRequested = Atomic(false)
    private let abort: @Sendable () -> Void

    /// - Parameter abort: Runs before the second signal ends this process: ends the processes that it has started.
    package init(abort: @escaping @Sendable () -> Void) {
        self.abort = abort
        (requests, continuation) = AsyncStream.makeStream()
    }

    /// Runs `body`, and cancels it at the first signal; returns when it has ended.
    /// - Throws: what `body` throws by itself; errors that follow from the cancellation are dropped.
    package func cancelling(console: Console, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.obey(signals, console: console) }
            defer { group.cancelAll() }
            do {
                try await race(body)
            } catch {
                if !isRequested.load(ordering: .relaxed) { throw error }
            }
        }
    }

    private func race(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { for await _ in self.requests {} }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func obey(_ signals: UnixSignalsSequence, console: Console) async {
        var first: ContinuousClock.Instant?
        for await _ in signals {
            if let first {
                guard .now - first > Self.echo else { continue }
                abort()
                _exit(Self.statusOfInterrupt)
            }
            first = .now
            isRequested.store(true, ordering: .relaxed)
            console.line("\nStopping; Ctrl-C again ends everything at once.")
            continuation.finish()
        }
    }
}
