import Glibc
import IOThreads
import Synchronization
import Testing

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

    @Test func `hashing yields to every other thread, and does not change their priority`() async {
        @Sendable func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }
        let before = niceness()
        let during = await PasswordThreads(count: 1).map([()]) { niceness() }
        #expect(during == [BackgroundLine.niceness])
        #expect(before < BackgroundLine.niceness)
        #expect(niceness() < BackgroundLine.niceness)
    }

    @Test func `a line that has ended starts again`() async {
        let line = BackgroundLine(named: "test")
        for number in 0..<100 { #expect(await line.run { number } == number) }
    }
}
