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

    @Test func `at the deadline written publications are unknown and unwritten ones failed`() {
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
