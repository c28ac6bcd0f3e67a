import Seeds
import Testing

@testable import Sandbox

@Suite("Webhooks")
struct WebhookTests {
    @Test("are signed as Stripe signs")
    func signature() {
        let signature = WebhookSignature.make(Array(#"{"id":"evt_1"}"#.utf8), secret: "whsec_test", at: 1_700_000_000)
        #expect(signature == "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925")
    }

    @Test("are sent again at growing intervals, and dropped after 20 attempts")
    func retries() {
        let longest = (1..<20).map { DeliveryRetry.delay(afterFailures: $0, jitter: 0) }
        #expect(Array(longest.prefix(7)) == [1, 2, 4, 8, 16, 32, 60].map { .seconds($0) })
        #expect(longest.last == .seconds(60))
        #expect(DeliveryRetry.delay(afterFailures: 1, jitter: 1) == .seconds(0.5))
        #expect(DeliveryRetry.delay(afterFailures: 20, jitter: 0) == nil)
    }

    @Test("wait in the order of their due time, then of their arrival")
    func queue() {
        var queue = DeliveryQueue()
        let start = ContinuousClock.now
        var generator = SplitMix(seed: 5)
        let delays = (0..<500).map { _ in Int.random(in: 0..<50, using: &generator) }
        for (number, delay) in delays.enumerated() {
            let isQueued = queue.add(WebhookDelivery(eventID: "\(number)", body: []), due: start + .seconds(delay))
            #expect(isQueued)
        }
        let expected = delays.enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }.map { "\($0.offset)" }
        #expect(queue.takeDue(at: start - .seconds(1), limit: 10).isEmpty)
        let soon = queue.takeDue(at: start + .seconds(10), limit: 1_000)
        #expect(soon.count == delays.count { $0 <= 10 })
        let rest = queue.takeDue(at: start + .seconds(60), limit: 1_000)
        #expect((soon + rest).map(\.eventID) == expected)
        #expect(queue.nextDue == nil)
    }

    @Test("beyond the bound are refused")
    func bound() {
        var queue = DeliveryQueue()
        let now = ContinuousClock.now
        for _ in 0..<DeliveryQueue.maximumQueued { _ = queue.add(WebhookDelivery(eventID: "e", body: []), due: now) }
        let isQueued = queue.add(WebhookDelivery(eventID: "e", body: []), due: now)
        #expect(!isQueued)
    }
}
