import FoundationEssentials
import Messaging
import Synchronization
import Testing

@testable import Runtime
@testable import Simulation

struct SchedulerTests {
    /// The order in which ten tasks take their turns, and the time that it takes.
    private func order(seed: UInt64) async throws -> ([Int], Date) {
        let clock = SimulatedClock(start: Date(timeIntervalSince1970: 0))
        let scheduler = Scheduler(seed: seed, clock: clock)
        return try await scheduler.run {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        await Task.yield()
                        try await clock.sleep(for: .seconds(number % 2))
                        return number
                    }
                }
                return (try await group.reduce(into: []) { $0.append($1) }, clock.now())
            }
        }
    }

    @Test func `the same seed gives the same turns, another seed gives others`() async throws {
        let first = try await order(seed: 1)
        #expect(try await order(seed: 1) == first)
        #expect(try await order(seed: 2).0 != first.0)
        #expect(first.1 == Date(timeIntervalSince1970: 1))
    }

    @Test func `a deadlock is reported instead of waited for`() async throws {
        let clock = SimulatedClock(start: Date(timeIntervalSince1970: 0))
        await #expect(throws: Scheduler.Stuck.self) {
            try await Scheduler(seed: 1, clock: clock).run {
                let never = AsyncStream<Void>.makeStream()
                for await _ in never.stream {}
            }
        }
    }

    @Test func `a sleep that is cancelled ends at once`() async throws {
        let clock = SimulatedClock(start: Date(timeIntervalSince1970: 0))
        let end = try await Scheduler(seed: 1, clock: clock).run {
            let slept: Bool? = try await clock.within(.seconds(3)) {
                try await clock.sleep(for: .seconds(500))
                return true
            }
            #expect(slept == nil)
            return clock.now()
        }
        #expect(end == Date(timeIntervalSince1970: 3))
    }

    @Test func `a run that makes no progress in real time reports what it waits for`() async throws {
        let clock = SimulatedClock(start: Date(timeIntervalSince1970: 0))
        let reports = Mutex<[String]>([])
        let watchdog = Watchdog(timeout: .milliseconds(50)) { text in reports.withLock { $0.append(text) } }
        // The thread stands still until it is reported: whatever a busy machine does, once.
        try await Scheduler(seed: 1, clock: clock, watchdog: watchdog).run {
            while reports.withLock({ $0.isEmpty }) {}
            try await clock.sleep(for: .seconds(1))
        }
        let first = try #require(reports.withLock { $0.first })
        #expect(first.contains("The simulation has stood still") && first.contains("its job 1 has not ended"))
        #expect(first.contains("Its own threads:"))
        withExtendedLifetime(watchdog) {}
    }

    @Test func `a finished run does not count as stalled`() async throws {
        let reports = Mutex(0)
        let watchdog = Watchdog(timeout: .seconds(3_600)) { _ in reports.withLock { $0 += 1 } }
        watchdog.note(.timer)
        watchdog.look(at: .now + .seconds(4_000))
        #expect(reports.withLock { $0 } == 1)
        try await Scheduler(seed: 1, clock: SimulatedClock(start: Date(timeIntervalSince1970: 0)), watchdog: watchdog).run {}
        watchdog.look(at: .now + .seconds(4_000))
        #expect(reports.withLock { $0 } == 1)
    }
}
