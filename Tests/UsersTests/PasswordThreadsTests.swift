import Glibc
import Synchronization
import Testing

@testable import IOThreads
@testable import Users

@Suite struct PasswordThreadsTests {
    @Test func `results are in the order of the passwords, independent of the order of hashing`() async {
        let results = await PasswordThreads(count: 2).map(Array(0..<20)) { $0 * 2 }
        #expect(results == (0..<20).map { $0 * 2 })
    }

    @Test func `at most as many passwords are hashed at once as there are threads`() async {
        let count = Mutex((now: 0, most: 0))
        _ = await PasswordThreads(count: 2).map(Array(0..<50)) { _ in
            count.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            sched_yield()
            count.withLock { $0.now -= 1 }
        }
        #expect((1...2).contains(count.withLock { $0.most }))
    }

    @Test func `passwords that had to wait are hashed at low priority, and the first at that of its process`() async {
        @Sendable func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }
        let before = niceness()
        let threads = BackgroundThreads(named: "test", most: 1, mostInCrowd: 1)
        let isFirst = Atomic(true)
        let nicenessOnceTwoHaveCome: @Sendable () -> Int32 = {
            if isFirst.exchange(false, ordering: .relaxed) { while threads.waitingCount == 0 { sched_yield() } }
            return niceness()
        }
        async let one = threads.run(nicenessOnceTwoHaveCome)
        async let other = threads.run(nicenessOnceTwoHaveCome)
        #expect(Set(await [one, other]) == [before, min(19, before + BackgroundThreads.niceness)])
        #expect(niceness() == before)
    }

    @Test func `threads that have ended start again`() async {
        let threads = BackgroundThreads(named: "test", most: 1, mostInCrowd: 1)
        for number in 0..<100 { #expect(await threads.run { number } == number) }
    }
}

@Suite struct BackgroundPlanTests {
    @Test func `two run at once, until more wait than can run: then one at a time, until none is left`() {
        var plan = BackgroundPlan(most: 2, mostInCrowd: 1)
        let first = [plan.arrive(), plan.arrive()]
        _ = [plan.next(after: nil, at: .zero), plan.next(after: nil, at: .zero)]
        let others = (0..<6).map { _ in plan.arrive() }
        #expect(first == [true, true] && !others.contains(true))
        #expect(plan.isCrowded && plan.running == 2)
        // The thread that finishes first ends, and the other continues alone, whatever arrives meanwhile.
        let isOver = plan.next(after: .low, at: .zero) == nil
        #expect(isOver)
        for _ in 0..<6 {
            let (priority, needsThread) = (plan.next(after: .low, at: .zero), plan.arrive())
            #expect(priority == .low && !needsThread && plan.running == 1)
        }
        while plan.next(after: .low, at: .zero) != nil {}
        #expect(!plan.isCrowded && plan.running == 0 && plan.waiting == 0)
        let again = [plan.arrive(), plan.arrive()]
        #expect(again == [true, true])
    }

    @Test func `a single computation runs at normal priority, and those that arrive within ten times its duration do not`() {
        var plan = BackgroundPlan(most: 2, mostInCrowd: 1)
        func run(at start: Double) -> BackgroundPlan.Priority? {
            _ = plan.arrive()
            let priority = plan.next(after: nil, at: .seconds(start))
            _ = plan.next(after: priority, at: .seconds(start + 0.4))
            return priority
        }
        let priorities = [1, 1.4, 1.8, 3, 4.4, 5.1, 5.5].map(run)
        #expect(priorities == [.normal, .low, .low, .low, .low, .normal, .low])
        #expect(plan.running == 0 && plan.waiting == 0)
    }

    @Test func `of two that arrive together, one runs at normal priority`() {
        var plan = BackgroundPlan(most: 2, mostInCrowd: 1)
        let needThreads = [plan.arrive(), plan.arrive()]
        let priorities = [plan.next(after: nil, at: .zero), plan.next(after: nil, at: .zero)]
        #expect(needThreads == [true, true] && priorities == [.normal, .low])
    }

    @Test(arguments: [(2, 1, 1), (2, 0, 1), (2, 7, 2), (0, 0, 1)])
    func `whatever the number of processors, one can run`(most: Int, inCrowd: Int, expected: Int) {
        #expect(BackgroundPlan(most: most, mostInCrowd: inCrowd).mostInCrowd == expected)
    }
}
