import Testing

@testable import WebClient

@Suite struct TransferQueueTests {
    private let soon = ContinuousClock.now + .seconds(1)

    private func queue(concurrent: Int = 2, perHost: Int = 2, waiting: Int = 10) -> TransferQueue<String> {
        TransferQueue(limits: .init(concurrent: concurrent, concurrentPerHost: perHost, waiting: waiting))
    }

    @Test func `transfers start up to the limit, then wait, then are refused`() {
        var queue = queue(waiting: 1)
        #expect(queue.admit("1", host: "a", deadline: soon) == .start)
        #expect(queue.admit("2", host: "b", deadline: soon) == .start)
        #expect(queue.admit("3", host: "c", deadline: soon) == .wait)
        #expect(queue.admit("4", host: "d", deadline: soon) == .refuse)
    }

    @Test func `waiting transfers start in their order`() {
        var queue = queue(concurrent: 1)
        for name in ["1", "2", "3"] { _ = queue.admit(name, host: "a", deadline: soon) }
        #expect(queue.release(host: "a") == ["2"])
        #expect(queue.release(host: "a") == ["3"])
        #expect(queue.release(host: "a") == [])
    }

    @Test func `a busy host delays no other`() {
        var queue = queue(concurrent: 3, perHost: 1)
        #expect(queue.admit("a1", host: "a", deadline: soon) == .start)
        #expect(queue.admit("a2", host: "a", deadline: soon) == .wait)
        #expect(queue.admit("b1", host: "b", deadline: soon) == .start)
        #expect(queue.admit("b2", host: "b", deadline: soon) == .wait)
        #expect(queue.release(host: "b") == ["b2"])
        #expect(queue.release(host: "a") == ["a2"])
    }

    @Test func `a withdrawn transfer never starts`() {
        var queue = queue(concurrent: 1)
        for name in ["1", "2", "3"] { _ = queue.admit(name, host: "a", deadline: soon) }
        let withdrawn = ["2", "2", "1"].map { queue.withdraw($0) }
        #expect(withdrawn == [true, false, false])
        #expect(queue.release(host: "a") == ["3"])
    }

    @Test func `transfers past their deadline are removed`() {
        var queue = queue(concurrent: 1)
        let later = soon + .seconds(1)
        _ = queue.admit("1", host: "a", deadline: soon)
        _ = queue.admit("2", host: "a", deadline: later)
        _ = queue.admit("3", host: "a", deadline: soon)
        #expect(queue.nextDeadline == soon)
        #expect(queue.expire(at: soon - .milliseconds(1)) == [])
        #expect(queue.expire(at: soon) == ["3"])
        #expect(queue.nextDeadline == later)
        #expect(queue.removeAll() == ["2"])
        #expect(queue.nextDeadline == nil)
    }
}
