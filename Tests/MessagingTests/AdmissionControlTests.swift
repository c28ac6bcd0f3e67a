import FoundationEssentials
import Testing

@testable import Messaging

@Suite struct AdmissionControlTests {
    private static let start = Date(timeIntervalSince1970: 1_780_000_000)

    /// A queue before a worker that answers this many a second, in their order of arrival.
    private struct Shop {
        var pace = AdmissionControl()
        let deadline: Double
        private(set) var waits: [Double] = []
        private(set) var refused = 0
        private var queue: [Date] = []
        private var served = 0
        private var credit = 0.0

        init(deadline: Double) { self.deadline = deadline }

        /// - Parameters: requests and answers a second, and for how long, in steps of a millisecond.
        mutating func run(_ clock: inout Date, offered: Double, capacity: Double, seconds: Double) {
            var due = 0.0
            for _ in 0..<Int(seconds * 1000) {
                clock += 0.001
                due += offered / 1000
                while due >= 1 {
                    due -= 1
                    if pace.admits(at: clock, deadline: deadline) { queue.append(clock) } else { refused += 1 }
                }
                credit = queue.count > served ? credit + capacity / 1000 : 0
                while credit >= 1, served < queue.count {
                    credit -= 1
                    let took = clock.timeIntervalSince(queue[served])
                    pace.answered(at: clock, after: took)
                    waits.append(took)
                    served += 1
                }
            }
        }
    }

    @Test(arguments: [(1.5, 10.0, 200.0), (3, 10, 200), (10, 10, 200), (3, 5, 4_000)])
    func `under any overload admitted requests are answered in time and the workers never idle`(
        excess: Double, deadline: Double, capacity: Double
    ) {
        var shop = Shop(deadline: deadline)
        var clock = Self.start
        shop.run(&clock, offered: capacity * excess, capacity: capacity, seconds: 30)
        let answered = shop.waits.count
        #expect((shop.waits.max() ?? 0) < deadline / 2)
        #expect(Double(answered) >= 0.97 * capacity * 30)
        #expect(shop.refused > Int(capacity * (excess - 1) * 20))
    }

    @Test func `load within capacity is never refused, and neither is a burst at an idle shop`() {
        var shop = Shop(deadline: 10)
        var clock = Self.start
        shop.run(&clock, offered: 190, capacity: 200, seconds: 20)
        #expect(shop.refused == 0)
        shop.run(&clock, offered: 0, capacity: 200, seconds: 20)
        shop.run(&clock, offered: 20_000, capacity: 20_000, seconds: 1)
        #expect(shop.refused == 0)
    }

    @Test func `without any answers, some are admitted to wait and the rest is refused`() {
        var shop = Shop(deadline: 10)
        var clock = Self.start
        shop.run(&clock, offered: 100, capacity: 200, seconds: 5)
        shop.run(&clock, offered: 100, capacity: 0, seconds: 8)
        #expect(shop.pace.waiting < 2 * AdmissionControl.always)
        #expect(shop.refused > 500)
    }

    @Test func `after a standstill every request is admitted again`() {
        var shop = Shop(deadline: 10)
        var clock = Self.start
        shop.run(&clock, offered: 100, capacity: 0, seconds: 5)
        shop.run(&clock, offered: 100, capacity: 400, seconds: 3)
        let refused = shop.refused
        shop.run(&clock, offered: 300, capacity: 400, seconds: 10)
        #expect(shop.refused == refused)
    }

    @Test func `cancelled requests free their places`() {
        var pace = AdmissionControl()
        for _ in 0..<AdmissionControl.always { _ = pace.admits(at: Self.start, deadline: 10) }
        let later = Self.start.addingTimeInterval(1)
        let isFull = !pace.admits(at: later, deadline: 10)
        pace.gaveUp()
        let hasRoom = pace.admits(at: later, deadline: 10)
        #expect(isFull && hasRoom)
    }

    @Test func `a clock that is set back refuses no request for ever`() {
        var pace = AdmissionControl()
        for _ in 0..<AdmissionControl.always { _ = pace.admits(at: Self.start, deadline: 10) }
        let earlier = Self.start.addingTimeInterval(-3600)
        for _ in 0..<AdmissionControl.always { pace.answered(at: earlier, after: -3600) }
        let hasRoom = pace.admits(at: earlier.addingTimeInterval(1), deadline: 10)
        #expect(hasRoom && pace.waiting == 1)
    }
}
