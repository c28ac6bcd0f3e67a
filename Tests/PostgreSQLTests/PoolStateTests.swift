import Testing

@testable import PostgreSQL

@Suite struct PoolStateTests {
    typealias State = PoolState<String, Int>

    private func entry(_ id: Int, after seconds: Int = 5, from start: ContinuousClock.Instant) -> State.Entry {
        State.Entry(id: id, waiter: id, deadline: start + .seconds(seconds))
    }

    @Test func `a connection is made for each place, then callers wait, then they are refused`() {
        var state = State(size: 1, maximumWaiters: 1)
        guard case .place = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
        guard case .mustWait = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
        state.wait(entry(1, from: .now))
        guard case .isFull = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
    }

    @Test func `a connection goes to the longest waiting caller, and is idle when none waits`() {
        var state = State(size: 1, maximumWaiters: 2)
        _ = state.acquire(isUsable: { _ in true })
        state.wait(entry(1, from: .now))
        state.wait(entry(2, from: .now))
        guard case .give(1) = state.giveBack("a") else { return #expect(Bool(false)) }
        guard case .give(2) = state.giveBack("a") else { return #expect(Bool(false)) }
        guard case .rest = state.giveBack("a") else { return #expect(Bool(false)) }
        guard case .connection("a") = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
    }

    @Test func `an idle connection that is lost frees its place`() {
        var state = State(size: 1, maximumWaiters: 0)
        _ = state.acquire(isUsable: { _ in true })
        _ = state.giveBack("a")
        guard case .place = state.acquire(isUsable: { _ in false }) else { return #expect(Bool(false)) }
        guard case .isFull = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
        guard case .drop = state.giveBackPlace() else { return #expect(Bool(false)) }
        guard case .place = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
    }

    @Test func `the place of a lost connection goes to a waiting caller`() {
        var state = State(size: 1, maximumWaiters: 1)
        _ = state.acquire(isUsable: { _ in true })
        state.wait(entry(1, from: .now))
        guard case .give(1) = state.giveBackPlace() else { return #expect(Bool(false)) }
        #expect(state.placesTaken == 1)
    }

    @Test func `only callers past their deadline are resumed with an error`() {
        var state = State(size: 1, maximumWaiters: 9)
        let start = ContinuousClock.now
        state.wait(entry(1, after: 1, from: start))
        state.wait(entry(2, after: 2, from: start))
        state.wait(entry(3, after: 3, from: start))
        #expect(state.remove(2) == 2)
        #expect(state.takeOverdue(at: start + .seconds(2)) == [1])
        #expect(state.nextDeadline == start + .seconds(3))
    }

    @Test func `a closed pool lends nothing and keeps nothing`() {
        var state = State(size: 2, maximumWaiters: 1)
        _ = state.acquire(isUsable: { _ in true })
        _ = state.acquire(isUsable: { _ in true })
        _ = state.giveBack("a")
        #expect(state.close().connections == ["a"])
        guard case .isClosed = state.acquire(isUsable: { _ in true }) else { return #expect(Bool(false)) }
        guard case .drop = state.giveBack("b") else { return #expect(Bool(false)) }
        #expect(state.isUnused)
    }
}
