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
        let line = BackgroundLine(named: "test")
        let isFirst = Atomic(true)
        let nicenessOnceTwoHaveCome: @Sendable () -> Int32 = {
            if isFirst.exchange(false, ordering: .relaxed) { while line.waitingCount == 0 { sched_yield() } }
            return niceness()
        }
        async let one = line.run(nicenessOnceTwoHaveCome)
        async let other = line.run(nicenessOnceTwoHaveCome)
        #expect(Set(await [one, other]) == [before, max(before, BackgroundLine.niceness)])
        #expect(niceness() == before)
    }

    @Test func `a line that has ended starts again`() async {
        let line = BackgroundLine(named: "test")
        for number in 0..<100 { #expect(await line.run { number } == number) }
    }
}
