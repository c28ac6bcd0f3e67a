import Messaging
import Runtime
import Synchronization

/// Runs readiness checks, each at most once at a time, for as long as ``run()`` does. Whoever asks has an answer in time: a check that hangs on a frozen server,
/// and does not heed its cancellation either, delays no other check, and is not begun again before it comes back.
final class ReadinessLook: Sendable {
    private typealias Answer = AsyncStream<String?>.Continuation

    private let checks: [ReadinessCheck]
    private struct State {
        /// By the place of the check: who waits for its answer. A check with an entry is under way, though nobody may wait any longer.
        var waiting: [Int: [UInt64: Answer]] = [:]
        var lastAnswer: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Holds each check once at the most.
    private let (begun, begin) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .unbounded)

    init(_ checks: [ReadinessCheck]) {
        self.checks = checks
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            // Of each check one at the most.
            for await place in begun {
                group.addTask { self.finish(place, await self.checks[place].problem()) }
            }
        }
    }

    /// What is wrong, in the order of the checks, which run at the same time.
    func problems(within limit: Duration, clock: any WallClock) async -> [(check: ReadinessCheck, problem: String)] {
        let found = await withTaskGroup(of: (Int, String?).self) { group in
            for place in checks.indices {
                group.addTask { (place, await self.answer(of: place, within: limit, clock)) }
            }
            return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
        }
        return checks.indices.compactMap { place in found[place].map { (checks[place], $0) } }
    }

    private func answer(of place: Int, within limit: Duration, _ clock: any WallClock) async -> String? {
        let (stream, answer) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingNewest(1))
        let (id, isFirst) = state.withLock { state in
            state.lastAnswer += 1
            let isFirst = state.waiting[place] == nil
            state.waiting[place, default: [:]][state.lastAnswer] = answer
            return (state.lastAnswer, isFirst)
        }
        if isFirst { begin.yield(place) }
        defer { state.withLock { _ = $0.waiting[place]?.removeValue(forKey: id) } }
        let told: Told? = try? await clock.within(limit) {
            for await problem in stream { return Told(problem: problem) }
            throw CancellationError()
        }
        guard let told else { return "no answer within \(limit)" }
        return told.problem
    }

    private struct Told: Sendable {
        let problem: String?
    }

    private func finish(_ place: Int, _ problem: String?) {
        let answers = state.withLock { $0.waiting.removeValue(forKey: place) } ?? [:]
        for answer in answers.values { answer.yield(problem) }
    }
}
