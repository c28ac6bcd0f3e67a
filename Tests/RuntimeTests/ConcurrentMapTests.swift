import Runtime
import Synchronization
import Testing

@Suite struct ConcurrentMapTests {
    private struct Broken: Error, Equatable { let element: Int }

    /// Counts what is under way, and yields so that others get their turn.
    private final class Crowd: Sendable {
        private let state = Mutex((now: 0, most: 0))
        var most: Int { state.withLock { $0.most } }

        func visit() async {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            for _ in 0..<20 { await Task.yield() }
            state.withLock { $0.now -= 1 }
        }
    }

    @Test(arguments: [(0, 4), (1, 4), (4, 4), (100, 7)])
    func `results keep the order of the elements, and no more run at once than the limit`(count: Int, limit: Int) async {
        let crowd = Crowd()
        let results = await (0..<count).concurrentMap(limit: limit) { element in
            await crowd.visit()
            return element * 2
        }
        #expect(results == (0..<count).map { $0 * 2 })
        #expect(crowd.most <= limit)
    }

    @Test func `the first error cancels the others and is thrown`() async {
        await #expect(throws: Broken(element: 3)) {
            try await (0..<50).concurrentMap(limit: 4) { element in
                if element == 3 { throw Broken(element: element) }
                while !Task.isCancelled, element < 3 { await Task.yield() }
            }
        }
    }
}
