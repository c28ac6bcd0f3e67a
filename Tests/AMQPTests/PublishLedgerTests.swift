import Testing

@testable import AMQP

@Suite struct PublishLedgerTests {
    private let later = ContinuousClock.now + .seconds(60)
    private let lost = AMQPError.connectionLost("test")

    private func messages(_ keys: String...) -> [Publication] {
        keys.map { Publication(exchange: "", routingKey: $0, body: []) }
    }

    private func returned(_ key: String) -> ReturnedMessage {
        ReturnedMessage(code: 312, reason: "NO_ROUTE", exchange: "", routingKey: key, properties: Properties(), body: [])
    }

    private func ledger(confirms: Bool = true, window: Int = 10) -> PublishLedger<String> {
        PublishLedger(confirms: confirms, window: window)
    }

    @Test func `publications are written in order, as far as the window allows`() {
        var ledger = ledger(window: 3)
        #expect(ledger.submit(messages("a", "b"), rejections: [:], deadline: later, waiter: "1") == nil)
        #expect(ledger.submit(messages("c", "d"), rejections: [:], deadline: later, waiter: "2") == nil)
        #expect(ledger.take(limit: 1).map(\.routingKey) == ["a"])
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["b", "c"])
        #expect(!ledger.hasUnwritten)
        #expect(ledger.confirm(number: 2, multiple: true, accepted: true).map(\.waiter) == ["1"])
        #expect(ledger.hasUnwritten)
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["d"])
        #expect(ledger.confirm(number: 4, multiple: false, accepted: false).isEmpty)
        let completions = ledger.confirm(number: 3, multiple: false, accepted: true)
        #expect(completions.map(\.outcomes) == [[.confirmed, .refused]])
        #expect(ledger.isEmpty)
    }

    @Test func `a confirm out of order frees the window only when the older ones are confirmed`() {
        var ledger = ledger(window: 2)
        _ = ledger.submit(messages("a", "b", "c", "d"), rejections: [:], deadline: later, waiter: "")
        #expect(ledger.take(limit: 9).count == 2)
        _ = ledger.confirm(number: 2, multiple: false, accepted: true)
        #expect(ledger.take(limit: 9).isEmpty)
        _ = ledger.confirm(number: 1, multiple: false, accepted: true)
        #expect(ledger.take(limit: 9).count == 2)
        #expect(ledger.confirm(number: 4, multiple: true, accepted: true).map(\.outcomes) == [Array(repeating: .confirmed, count: 4)])
    }

    @Test func `repeated or unknown confirms change nothing`() {
        var ledger = ledger()
        _ = ledger.submit(messages("a"), rejections: [:], deadline: later, waiter: "")
        #expect(ledger.confirm(number: 7, multiple: true, accepted: true).isEmpty)
        _ = ledger.take(limit: 1)
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).count == 1)
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).isEmpty)
        #expect(ledger.confirm(number: 0, multiple: true, accepted: true).isEmpty)
    }

    @Test func `returns match their publications in the order of publishing`() {
        var ledger = ledger()
        _ = ledger.submit(messages("x", "no", "x", "no"), rejections: [:], deadline: later, waiter: "")
        _ = ledger.take(limit: 9)
        let matched = (0..<3).map { _ in ledger.returned(returned("no")) }
        #expect(matched == [true, true, false])
        let back = PublishOutcome.returned(code: 312, reason: "NO_ROUTE")
        #expect(ledger.confirm(number: 4, multiple: true, accepted: true).map(\.outcomes) == [[.confirmed, back, .confirmed, back]])
    }

    /// As for a bundle, which has no id of its own: the one that arrived must not be mistaken for the one that was returned.
    @Test func `a return belongs to the message with its body, not to one that looks like it`() {
        var ledger = ledger()
        let alike = [[1, 1], [2, 2]].map { Publication(exchange: "", routingKey: "x", body: $0) }
        _ = ledger.submit(alike, rejections: [:], deadline: later, waiter: "")
        _ = ledger.take(limit: 9)
        let isKnown = ledger.returned(
            ReturnedMessage(code: 312, reason: "NO_ROUTE", exchange: "", routingKey: "x", properties: Properties(), body: [2, 2]))
        #expect(isKnown)
        let outcomes = ledger.confirm(number: 2, multiple: true, accepted: true).map(\.outcomes)
        #expect(outcomes == [[.confirmed, .returned(code: 312, reason: "NO_ROUTE")]])
    }

    @Test func `a lost connection fails batches that were begun and keeps the others`() {
        var ledger = ledger(window: 2)
        _ = ledger.submit(messages("a", "b", "c"), rejections: [:], deadline: later, waiter: "begun")
        _ = ledger.submit(messages("d"), rejections: [:], deadline: later, waiter: "waiting")
        _ = ledger.take(limit: 9)
        _ = ledger.confirm(number: 1, multiple: false, accepted: true)
        let completions = ledger.disconnect(lost)
        #expect(completions.map(\.waiter) == ["begun"])
        #expect(completions.first?.outcomes == [.confirmed, .failed(lost), .failed(lost)])
        // On the next connection numbers begin at 1 again.
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["d"])
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).map(\.waiter) == ["waiting"])
    }

    @Test func `a refused publication is found among those on their way, and none of them fails with it`() {
        var ledger = ledger()
        let refusal = AMQPError(.accessRefused, "", isTransient: false)
        _ = ledger.submit(messages("a", "b", "denied"), rejections: [:], deadline: later, waiter: "1")
        _ = ledger.submit(messages("c"), rejections: [:], deadline: later, waiter: "2")
        _ = ledger.submit(messages("denied"), rejections: [:], deadline: later, waiter: "3")
        #expect(ledger.take(limit: 4).count == 4)
        _ = ledger.confirm(number: 1, multiple: false, accepted: true)
        #expect(ledger.disconnect(refusal).isEmpty)
        // One at a time, in their order.
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["b"])
        #expect(ledger.take(limit: 9).isEmpty && !ledger.hasUnwritten)
        _ = ledger.confirm(number: 1, multiple: false, accepted: true)
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["denied"])
        // What waits and would be refused as well is not tried.
        let completions = ledger.disconnect(refusal)
        #expect(completions.map(\.waiter) == ["1", "3"])
        #expect(completions.map(\.outcomes) == [[.confirmed, .confirmed, .failed(refusal)], [.failed(refusal)]])
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["c"])
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).map(\.outcomes) == [[.confirmed]])
        #expect(ledger.isEmpty)
        _ = ledger.submit(messages("d", "e"), rejections: [:], deadline: later, waiter: "")
        #expect(ledger.take(limit: 9).count == 2)
    }

    @Test func `what was on its way when another was refused is unknown at its deadline, though it waits again`() {
        var ledger = ledger()
        let now = ContinuousClock.now
        _ = ledger.submit(messages("a", "b", "c"), rejections: [:], deadline: now, waiter: "")
        _ = ledger.take(limit: 2)
        _ = ledger.disconnect(AMQPError(.accessRefused, "", isTransient: false))
        let outcomes = ledger.expire(now, unwrittenError: AMQPError(.notConnected, "", isTransient: true)).first?.outcomes
        #expect(outcomes?.map(\.failure) == [.deadlineExceeded, .deadlineExceeded, .notConnected])
        #expect(ledger.isEmpty && !ledger.hasUnwritten)
    }

    @Test func `a channel on which a queue refuses everything is given up after a while, and what is on its way is written again`() {
        var ledger = ledger()
        _ = ledger.submit(messages("stuck", "a"), rejections: [:], deadline: later, waiter: "1")
        _ = ledger.take(limit: 9)
        _ = ledger.confirm(number: 1, multiple: false, accepted: false)
        let written = ContinuousClock.now
        let early = ledger.needsNewChannel(at: written + PublishLedger<String>.firstConfirmPatience / 2)
        #expect(!early, "one refusal says nothing")
        let late = [3, 4, 6, 7].map { ledger.needsNewChannel(at: written + .seconds($0)) }
        #expect(late == [true, false, true, false], "the second is not confirmed")
        #expect(ledger.awaitsConfirms)
        #expect(ledger.disconnect(.uselessChannel).isEmpty)
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["a"])
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).map(\.outcomes) == [[.refused, .confirmed]])
    }

    @Test func `a queue that is full for long costs a new channel ever more seldom, and none when it takes something in between`() {
        var routes = RefusedRoutes()
        let publication = messages("full")[0]
        var now = ContinuousClock.now
        var channels = 0
        for _ in 0..<100 {
            routes.refused(publication, at: now)
            if routes.needNewChannel() { channels += 1 }
            now += .seconds(1)
        }
        #expect((4...8).contains(channels), "\(channels)")
        let longest = routes.longest(atLeast: .seconds(5), at: now)
        #expect(longest?.name == "full" && longest?.duration == .seconds(100))
        #expect(routes.longest(atLeast: .seconds(5), at: now + .seconds(60)) == nil, "nobody publishes there any more")
        var open = RefusedRoutes()
        for _ in 0..<100 {
            open.refused(publication, at: now)
            open.accepted(publication)
            now += .seconds(60)
            let needsOne = open.needNewChannel()
            #expect(!needsOne && open.isEmpty)
        }
    }

    @Test func `at the deadline written ones are unknown and unwritten ones failed`() {
        var ledger = ledger(window: 1)
        let now = ContinuousClock.now
        let blocked = AMQPError(.blocked, "", isTransient: true)
        _ = ledger.submit(messages("a", "b"), rejections: [:], deadline: now, waiter: "due")
        _ = ledger.submit(messages("c"), rejections: [:], deadline: later, waiter: "later")
        #expect(ledger.nextDeadline == now)
        _ = ledger.take(limit: 9)
        let completions = ledger.expire(now, unwrittenError: blocked)
        #expect(completions.map(\.waiter) == ["due"])
        #expect(completions.first?.outcomes.map(\.failure) == [.deadlineExceeded, .blocked])
        #expect(ledger.nextDeadline == later)
        // The late confirm makes room for the next one.
        #expect(ledger.confirm(number: 1, multiple: false, accepted: true).isEmpty)
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["c"])
    }

    @Test func `rejected publications are not sent`() {
        var ledger = ledger()
        let invalid = AMQPError(.invalidMessage, "", isTransient: false)
        #expect(ledger.submit(messages("a"), rejections: [0: invalid], deadline: later, waiter: "") == [.failed(invalid)])
        #expect(ledger.submit(messages("a", "b", "c"), rejections: [1: invalid], deadline: later, waiter: "") == nil)
        #expect(ledger.take(limit: 9).map(\.routingKey) == ["a", "c"])
        let completions = ledger.confirm(number: 2, multiple: true, accepted: true)
        #expect(completions.map(\.outcomes) == [[.confirmed, .failed(invalid), .confirmed]])
    }

    @Test func `publications past the bound are rejected at once`() {
        var ledger = ledger()
        let many = Array(repeating: messages("a")[0], count: PublishLedger<String>.unwrittenBound + 1)
        #expect(ledger.submit(many, rejections: [:], deadline: later, waiter: "") == nil)
        #expect(ledger.submit(messages("b"), rejections: [:], deadline: later, waiter: "")?.map(\.failure) == [.windowFull])
        #expect(ledger.failAll(lost).map(\.outcomes.count) == [many.count])
        #expect(ledger.submit(messages("b"), rejections: [:], deadline: later, waiter: "") == nil)
    }

    @Test func `without confirms a written publication counts as confirmed`() {
        var ledger = ledger(confirms: false, window: 2)
        _ = ledger.submit(messages("a", "b", "c"), rejections: [:], deadline: later, waiter: "")
        #expect(ledger.take(limit: 9).count == 2)
        #expect(ledger.wrote().isEmpty)
        #expect(ledger.take(limit: 9).count == 1)
        #expect(ledger.wrote().map(\.outcomes) == [[.confirmed, .confirmed, .confirmed]])
    }
}

@Suite struct PublicationLimitsTests {
    private func violation(_ change: (inout Publication) -> Void) -> AMQPError.Code? {
        var publication = Publication(exchange: "e", routingKey: "k", body: [])
        change(&publication)
        return PublicationLimits.violation(in: publication)?.code
    }

    private func nested(_ depth: Int) -> FieldValue {
        (1..<depth).reduce(.null) { value, _ in .array([value]) }
    }

    @Test func `a publication within the bounds is allowed`() {
        #expect(violation { _ in } == nil)
        #expect(violation { $0.routingKey = String(repeating: "x", count: 255) } == nil)
        #expect(violation { $0.properties.headers = [String(repeating: "k", count: 128): nested(FieldValue.maximumDepth)] } == nil)
        #expect(violation { $0.properties.expiration = 0 } == nil)
    }

    @Test func `a publication past a bound is rejected`() {
        #expect(violation { $0.routingKey = String(repeating: "ü", count: 128) } == .invalidMessage)
        #expect(violation { $0.properties.replyTo = String(repeating: "x", count: 256) } == .invalidMessage)
        #expect(violation { $0.properties.headers = [String(repeating: "k", count: 129): .null] } == .invalidMessage)
        #expect(violation { $0.properties.headers = ["k": nested(FieldValue.maximumDepth + 1)] } == .invalidMessage)
        #expect(violation { $0.properties.headers = ["k": .bytes(Array(repeating: 0, count: PublicationLimits.propertiesBytes))] } == .invalidMessage)
        #expect(violation { $0.properties.headers = ["k": .array([.double(.nan)])] } == .invalidMessage)
        #expect(violation { $0.properties.headers = ["k": .double(.infinity)] } == .invalidMessage)
        #expect(violation { $0.properties.expiration = -1 } == .invalidMessage)
        #expect(violation { $0.body = Array(repeating: 0, count: Publication.maximumBodyBytes + 1) } == .invalidMessage)
    }
}
