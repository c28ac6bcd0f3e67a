import LocalServers
import PostgreSQL
import Synchronization
import TestKit
import Testing

/// A primary and its standby switch roles while clients write through one pool whose URL names both.
@Suite(.timeLimit(.minutes(5))) struct `A pool of two servers` {
    /// The bound that docs/operations.md promises.
    private static let bound = Duration.seconds(10)
    private static let writers = 4

    enum Loss: CaseIterable {
        /// A planned switchover: the old primary is stopped first.
        case stopped
        /// The old primary keeps its connections and answers nothing.
        case frozen
    }

    /// The clients' knowledge: the committed rows, and the longest time without a commit.
    private final class Journal: Sendable {
        private struct State {
            var next = 0
            var committed: Set<Int> = []
            var lastSuccess = ContinuousClock.now
            var longestGap = Duration.zero
        }

        private let state = Mutex(State())

        func next() -> Int {
            state.withLock { state in
                state.next += 1
                return state.next
            }
        }

        func commit(_ number: Int) {
            state.withLock { state in
                state.committed.insert(number)
                state.longestGap = max(state.longestGap, .now - state.lastSuccess)
                state.lastSuccess = .now
            }
        }

        var committed: Set<Int> { state.withLock { $0.committed } }
        var longestGap: Duration { state.withLock { $0.longestGap } }
    }

    @Test(arguments: Loss.allCases)
    func `writes resume by themselves within ten seconds, and no committed row is lost`(loss: Loss) async throws {
        let pair = try PostgresPair(folder: TestServers.folder("switchover"), durable: false)
        try await pair.start()
        try await pair.primary.query("CREATE TABLE numbers (n bigint PRIMARY KEY)", database: "wharf")
        let pool = try PostgresPool(url: pair.url, size: Self.writers, logger: quiet)
        let journal = Journal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            for _ in 0..<Self.writers {
                group.addTask {
                    while !Task.isCancelled {
                        let number = journal.next()
                        do {
                            try await pool.transaction { _ = try await $0.execute("INSERT INTO numbers VALUES (\(number))") }
                            journal.commit(number)
                        } catch {
                            // Its outcome is unknown; only a missing committed row is an error.
                            try? await Task.sleep(for: .milliseconds(10))
                        }
                    }
                }
            }
            try await eventually("Writes") { journal.committed.count > 100 }
            switch loss {
            case .stopped: await pair.primary.stop()
            case .frozen: await pair.primary.freeze()
            }
            let before = journal.committed.count
            try await pair.failOver()
            try await eventually("Writes on the other server", within: .seconds(30)) { journal.committed.count > before + 100 }
            group.cancelAll()
        }
        await pool.close()
        print("primary \(loss): no commit for \(journal.longestGap)")
        #expect(journal.longestGap < Self.bound)
        let rows = try await pair.primary.query("SELECT n FROM numbers", database: "wharf").split(separator: "\n").compactMap { Int($0) }
        #expect(journal.committed.subtracting(rows) == [])
        await pair.standby.kill()
        await pair.primary.stop()
    }
}
