import Messaging
import Runtime
import Synchronization

/// Runs readiness checks, each at most once at a time, for as long as ``run()`` does. Callers are answered in time: a check that hangs on a frozen server,
/// and ignores its cancellation, delays no other check, and is not started again before it returns.
final class ReadinessLook: Sendable {
    private typealias Answer = AsyncStream<String?>.Continuation

    private let checks: [ReadinessCheck]
    private struct State {
        /// By the index of the check: the callers waiting for its answer. A check with an entry is running, even if no caller is waiting any more.
        var waiting: [Int: [UInt64: Answer]] = [:]
        var lastAnswer: UInt64 = 0
    }

    private let state = Mutex(State())
    private let passed = Atomic(false)
    /// Contains each check at most once.
    private let (begun, begin) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .unbounded)

    init(_ checks: [ReadinessCheck]) {
        self.checks = checks
    }

    /// Whether all required checks have passed once.
    var hasPassed: Bool { passed.load(ordering: .relaxed) }

    func run() async {
        await withDiscardingTaskGroup { group in
            // At most one of each check.
            for await place in begun {
                group.addTask { self.finish(place, await self.checks[place].problem()) }
            }
        }
    }

    /// The failed checks with their reasons, in the order of the checks, which run concurrently.
    func problems(within limit: Duration, clock: any WallClock) async -> [(check: ReadinessCheck, problem: String)] {
        let found = await withTaskGroup(of: (Int, String?).self) { group in
            for place in checks.indices {
                group.addTask { (place, await self.answer(of: place, within: limit, clock)) }
            }
            return await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
        }
        let problems = checks.indices.compactMap { place in found[place].map { (check: checks[place], problem: $0) } }
        if !problems.contains(where: \.check.isRequired) { passed.store(true, ordering: .relaxed) }
        return problems
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
        let reported: Reported? = try? await clock.within(limit) {
            for await problem in stream { return Reported(problem: problem) }
            throw CancellationError()
        }
        guard let reported else { return "no answer within \(limit)" }
        return reported.problem
    }

    private struct Reported: Sendable {
        let problem: String?
    }

    private func finish(_ place: Int, _ problem: String?) {
        let answers = state.withLock { $0.waiting.removeValue(forKey: place) } ?? [:]
        for answer in answers.values { answer.yield(problem) }
    }
}
