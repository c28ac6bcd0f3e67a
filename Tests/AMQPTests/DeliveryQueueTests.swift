import Testing

@testable import AMQP

@Suite struct UnsettledDeliveriesTests {
    private func unsettled(_ numbers: ClosedRange<UInt64>) -> UnsettledDeliveries {
        var deliveries = UnsettledDeliveries()
        for number in numbers { deliveries.add(number) }
        return deliveries
    }

    @Test func `the oldest ones are settled in one frame`() {
        var deliveries = unsettled(1...10)
        #expect(deliveries.acknowledge([3, 1, 2]) == [.acknowledge(3, multiple: true)])
        #expect(deliveries.release(Array(4...10)) == [.release(10, multiple: true)])
        #expect(deliveries.count == 0)
    }

    @Test func `one frame never settles an unintended delivery`() {
        var deliveries = unsettled(1...6)
        #expect(
            deliveries.acknowledge([1, 2, 4, 5]) == [
                .acknowledge(2, multiple: true), .acknowledge(4, multiple: false), .acknowledge(5, multiple: false),
            ])
        #expect(deliveries.acknowledge([3, 6]) == [.acknowledge(6, multiple: true)])
    }

    @Test func `deliveries are rejected one by one`() {
        var deliveries = unsettled(1...3)
        #expect(deliveries.reject([1, 2], requeue: false) == [.reject(1, requeue: false), .reject(2, requeue: false)])
    }

    @Test func `unknown and repeated numbers are left out`() {
        var deliveries = unsettled(5...6)
        #expect(deliveries.acknowledge([1, 5, 5, 9]) == [.acknowledge(5, multiple: false)])
        #expect(deliveries.acknowledge([5]) == [])
        #expect(deliveries.count == 1)
    }
}

@Suite struct DeliveryQueueTests {
    private func deliveries(_ numbers: ClosedRange<UInt64>, generation: UInt64 = 1, redelivered: Bool = false) -> [Delivery] {
        numbers.map { number in
            Delivery(
                tag: DeliveryTag(generation: generation, number: number), exchange: "", routingKey: "q", redelivered: redelivered,
                properties: Properties(), body: []
            )
        }
    }

    private func connected(noAck: Bool = false) -> DeliveryQueue<String> {
        var queue = DeliveryQueue<String>(noAck: noAck, prefetch: 12)
        queue.connected(generation: 1)
        return queue
    }

    private let now = ContinuousClock.now

    private func answer(_ queue: inout DeliveryQueue<String>, limit: Int) -> [Delivery]? {
        if case .now(let deliveries) = queue.next(limit: limit, id: 0, waiter: "") { deliveries } else { nil }
    }

    @Test func `deliveries go to waiting callers, in the order in which they asked`() {
        var queue = connected()
        _ = queue.next(limit: 2, id: 1, waiter: "first")
        _ = queue.next(limit: 9, id: 2, waiter: "second")
        let handovers = queue.receive(deliveries(1...5))
        #expect(handovers.map(\.waiter) == ["first", "second"])
        #expect(handovers.map(\.deliveries) == [deliveries(1...2), deliveries(3...5)])
    }

    @Test func `gathered deliveries are handed out up to the limit`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...5))
        #expect(answer(&queue, limit: 3) == deliveries(1...3))
        #expect(answer(&queue, limit: 0) == deliveries(4...4))
        #expect(answer(&queue, limit: 3) == deliveries(5...5))
        #expect(answer(&queue, limit: 3) == nil)
    }

    @Test func `tags of an earlier connection settle nothing`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...2))
        queue.disconnected()
        var isDue = queue.acknowledge(deliveries(1...2).map(\.tag), now: now)
        #expect(!isDue)
        queue.connected(generation: 2)
        _ = queue.receive(deliveries(1...2, generation: 2))
        isDue = queue.acknowledge(deliveries(1...2).map(\.tag), now: now)
        #expect(!isDue)
        expect(&queue, at: now + .seconds(1), [])
        #expect(answer(&queue, limit: 9) == deliveries(1...2, generation: 2))
    }

    @Test func `a stop returns the waiting callers, and nothing is handed out afterwards`() {
        var queue = connected()
        _ = queue.next(limit: 1, id: 1, waiter: "first")
        #expect(queue.stop() == ["first"])
        #expect(queue.receive(deliveries(1...1)).isEmpty)
        guard case .stopped = queue.next(limit: 1, id: 2, waiter: "") else { Issue.record("it handed something out"); return }
    }

    @Test func `after the stop untaken deliveries go back a few at a time, and all in one frame once those taken are settled`() {
        var queue = connected()
        let few = UInt64(DeliveryQueue<String>.releasesAtOnce)
        let later = now + DeliveryQueue<String>.acknowledgementDelay
        _ = queue.receive(deliveries(1...100))
        #expect(answer(&queue, limit: 3) == deliveries(1...3))
        queue.release([DeliveryTag(generation: 1, number: 3)])
        expect(&queue, at: now, [.release(3, multiple: false)])
        _ = queue.stop()
        expect(&queue, at: now, (4..<4 + few).map { .release($0, multiple: false) }, due: later)
        _ = queue.receive(deliveries(101...101))
        #expect(acknowledge(&queue, 2, at: now))
        expect(&queue, at: now, [.acknowledge(2, multiple: false)], due: later)
        expect(&queue, at: later, (4 + few..<4 + 2 * few).map { .release($0, multiple: false) }, due: later + DeliveryQueue<String>.acknowledgementDelay)
        #expect(acknowledge(&queue, 1, at: later))
        expect(&queue, at: later, [.acknowledge(1, multiple: false), .release(101, multiple: true)])
        _ = queue.receive(deliveries(102...102))
        expect(&queue, at: later, [.release(102, multiple: false)])
    }

    /// What is written at that time, and when the rest is due.
    private func expect(
        _ queue: inout DeliveryQueue<String>, at time: ContinuousClock.Instant, _ settlements: [Settlement], due: ContinuousClock.Instant? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let outbox = queue.takeOutbox(now: time)
        #expect(outbox.settlements == settlements, sourceLocation: sourceLocation)
        #expect(outbox.due == due, sourceLocation: sourceLocation)
    }

    private func acknowledge(_ queue: inout DeliveryQueue<String>, _ number: UInt64, at time: ContinuousClock.Instant) -> Bool {
        queue.acknowledge([DeliveryTag(generation: 1, number: number)], now: time)
    }

    @Test func `acknowledgements wait for others, and leave in one frame`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...8))
        #expect(acknowledge(&queue, 2, at: now), "the connection has to learn when it is due")
        let due = now + DeliveryQueue<String>.acknowledgementDelay
        expect(&queue, at: now, [], due: due)
        #expect(!acknowledge(&queue, 1, at: now + .milliseconds(1)))
        expect(&queue, at: due, [.acknowledge(2, multiple: true)])
        expect(&queue, at: due + .seconds(1), [])
    }

    @Test func `acknowledgements do not wait once they are a quarter of the prefetch`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...8))
        for number in [3, 5] as [UInt64] { _ = acknowledge(&queue, number, at: now) }
        #expect(acknowledge(&queue, 7, at: now))
        expect(&queue, at: now, [3, 5, 7].map { .acknowledge($0, multiple: false) })
    }

    @Test func `the acknowledgement of a redelivered message does not wait, and takes the others along`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...2))
        _ = queue.receive(deliveries(3...4, redelivered: true))
        _ = acknowledge(&queue, 1, at: now)
        #expect(acknowledge(&queue, 4, at: now))
        expect(&queue, at: now, [.acknowledge(1, multiple: false), .acknowledge(4, multiple: false)])
        _ = acknowledge(&queue, 2, at: now)
        expect(&queue, at: now, [], due: now + DeliveryQueue<String>.acknowledgementDelay)
    }

    @Test func `what is requeued takes the acknowledgements along`() {
        var queue = connected()
        _ = queue.receive(deliveries(1...2))
        _ = acknowledge(&queue, 1, at: now)
        queue.release([DeliveryTag(generation: 1, number: 2)])
        expect(&queue, at: now, [.acknowledge(1, multiple: false), .release(2, multiple: false)])
    }

    @Test func `without acknowledgements no delivery that arrived is lost`() {
        var queue = connected(noAck: true)
        _ = queue.receive(deliveries(1...2))
        queue.disconnected()
        _ = queue.stop()
        expect(&queue, at: now, [])
        #expect(answer(&queue, limit: 9) == deliveries(1...2))
    }
}
