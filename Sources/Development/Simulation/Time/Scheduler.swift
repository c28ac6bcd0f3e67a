import Dispatch
import Synchronization

/// Runs every task of a simulation on one thread, one job at a time; the seed draws which of the ready ones is next.
///
/// Tasks that begin here stay here: child tasks, task groups and default actors follow the executor that their task prefers. What does not follow
/// (`Task { }` without an executor, actors with executors of their own) must not be used by what is simulated. When no job is ready, virtual
/// time moves to the next timer.
public final class Scheduler: TaskExecutor, SerialExecutor {
    private let ready = Mutex<[UnownedJob]>([])
    private let draws = Mutex(0)
    private let chance: Chance
    let clock: SimulatedClock
    private let watchdog: Watchdog?

    public convenience init(seed: UInt64, clock: SimulatedClock) {
        self.init(seed: seed, clock: clock, watchdog: nil)
    }

    /// - Parameter watchdog: Reports a run that makes no progress in real time.
    init(seed: UInt64, clock: SimulatedClock, watchdog: Watchdog?) {
        chance = Chance(seed: seed, stream: "scheduler")
        self.clock = clock
        self.watchdog = watchdog
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        ready.withLock { $0.append(job) }
    }

    /// How many jobs have been drawn.
    public var steps: Int { draws.withLock { $0 } }

    /// Starts `body` beside all others. It ends when it returns, or never: a simulated crash parks its tasks for good, as nothing of a killed process runs on,
    /// which is why these tasks belong to no group that would wait for them.
    func spawn(_ body: @escaping @Sendable () async -> Void) {
        _ = Task(executorPreference: self, operation: body)
    }

    /// Runs `body`, and whatever it spawns, until it has returned.
    ///
    /// - Throws: what `body` throws; ``Stuck`` when nothing is ready, nothing is due and it has not returned.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let box = Box<Result>()
        spawn {
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.outcome.withLock { $0 = result }
        }
        return try await withCheckedThrowingContinuation { continuation in
            // A thread that may block, as statements are waited for on it.
            DispatchQueue(label: "simulation").async {
                self.drain { box.outcome.withLock { $0 != nil } }
                continuation.resume(with: box.outcome.withLock { $0 } ?? .failure(Stuck()))
            }
        }
    }

    /// Nothing is ready and nothing is due, but the body has not ended.
    public struct Stuck: Error, CustomStringConvertible {
        public var description: String { "everything waits for something that will never happen" }
    }

    private func drain(until isOver: () -> Bool) {
        defer { watchdog?.note(.ended) }
        while !isOver() {
            let job = ready.withLock { ready -> UnownedJob? in
                guard !ready.isEmpty else { return nil }
                return ready.remove(at: ready.count == 1 ? 0 : chance.below(ready.count))
            }
            if let job {
                let number = draws.withLock { draws in
                    draws += 1
                    return draws
                }
                watchdog?.note(.job(number))
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            } else {
                watchdog?.note(.timer)
                if !clock.fireNext() { return }
            }
        }
    }

    private final class Box<Value: Sendable>: Sendable {
        let outcome = Mutex<Swift.Result<Value, any Error>?>(nil)
    }
}
