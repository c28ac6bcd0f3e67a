import AMQP
import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets
import Synchronization
import TestKit
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    @Test func `an operation for customers without a token is 401 with a challenge`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "GET /v1/users/me")
            #expect(response.status == 401)
            #expect(response.headers["www-authenticate"] == "Bearer")
            #expect(response.problem != nil)
        }
    }

    @Test(arguments: ["Bearer unknown", "Basic dTpw", "Bearer", "Bearer a b"])
    func `an invalid token is 401 even where none is needed`(authorization: String) async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            let response = try await TestIngress.exchange(port, "GET /v1/products", headers: ["Authorization: \(authorization)"])
            #expect(response.status == 401)
            #expect(response.headers["www-authenticate"]?.hasPrefix("Bearer error=") == true)
            #expect(response.problem != nil)
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `an admin's operation is 403 for a customer and open to an admin`() async throws {
        try await TestIngress.with { port in
            let refused = try await TestIngress.exchange(port, "GET /v1/dead-letters", headers: [TestIngress.asCustomer])
            #expect(refused.status == 403)
            #expect(refused.problem != nil)
            let allowed = try await TestIngress.exchange(port, "GET /v1/dead-letters", headers: [TestIngress.asAdmin])
            #expect(allowed.status == 200)
        }
    }

    @Test func `a token is verified once and its text is not passed on`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            for _ in 0..<3 {
                _ = try await TestIngress.exchange(port, "GET /v1/users/me", headers: [TestIngress.asCustomer])
            }
        }
        let questions = requests.all.filter { $0.request.operation == MessageName.resolveSession }
        #expect(questions.count == 1)
        #expect(questions.first?.durability == .query)
        let texts = requests.all.flatMap { [String(decoding: $0.request.body, as: UTF8.self)] + $0.request.parameters.values }
        #expect(!texts.contains { $0.contains(FakeRequests.customerToken) })
    }

    @Test func `a remembered token is verified again after its time`() async throws {
        let cache = SessionCache()
        let start = Date(timeIntervalSince1970: 1_000)
        let caller = FakeRequests.customer
        #expect(try await cache.caller("h", now: start) { caller } == caller)
        #expect(try await cache.caller("h", now: start + 4.9) { nil } == caller)
        #expect(try await cache.caller("h", now: start + 5) { nil } == nil)
    }

    @Test func `an unknown token is verified each time`() async throws {
        let cache = SessionCache()
        #expect(try await cache.caller("h", now: .distantPast) { nil } == nil)
        #expect(try await cache.caller("h", now: .distantPast) { FakeRequests.customer } == FakeRequests.customer)
    }

    @Test func `requests that miss at the same time share one verification`() async throws {
        let cache = SessionCache()
        let (answers, answer) = AsyncStream.makeStream(of: Void.self)
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Caller?.self) { group in
            group.addTask {
                try await cache.caller("h", now: .distantPast) {
                    ask.yield()
                    for await _ in answers { break }
                    return FakeRequests.customer
                }
            }
            for await _ in asked { break }
            for _ in 0..<20 {
                group.addTask {
                    try await cache.caller("h", now: .distantPast) {
                        Issue.record("asked a second time")
                        return nil
                    }
                }
            }
            answer.yield()
            for try await caller in group { #expect(caller == FakeRequests.customer) }
        }
    }

    @Test func `a request that waits for another's verification gets its error as well`() async throws {
        struct Broken: Error {}
        let cache = SessionCache()
        await #expect(throws: Broken.self) { try await cache.caller("h", now: .distantPast) { throw Broken() } }
        #expect(try await cache.caller("h", now: .distantPast) { FakeRequests.admin } == FakeRequests.admin)
    }

    @Test func `a cancellation affects only the cancelled caller, and the next waiting request verifies`() async throws {
        let cache = SessionCache()
        let asked = Mutex(0)
        let isAnswered = Mutex(false)
        let call: @Sendable () async throws -> Caller? = {
            try await cache.caller("h", now: .distantPast) {
                asked.withLock { $0 += 1 }
                // Until the answer arrives, or the asking request is cancelled.
                while !isAnswered.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
                return FakeRequests.customer
            }
        }
        let first = Task { try await call() }
        try await eventually("The first one asks") { asked.withLock { $0 } == 1 }
        let others = (0..<100).map { _ in Task { try await call() } }
        let impatient = Task { try await call() }
        try await eventually("All the others wait") { cache.waiting == 101 }
        impatient.cancel()
        await #expect(throws: CancellationError.self) { try await impatient.value }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await eventually("One of those who wait asks, and one alone") { asked.withLock { $0 } == 2 && cache.waiting == 99 }
        isAnswered.withLock { $0 = true }
        for other in others { #expect(try await other.value == FakeRequests.customer) }
        #expect(asked.withLock { $0 } == 2)
    }

    @Test func `an answer from before a revocation is not remembered`() async throws {
        let cache = SessionCache()
        let caller = FakeRequests.customer
        let first = try await cache.caller("h", now: .distantPast) {
            cache.forget(user: caller.id)
            return caller
        }
        #expect(first == caller)
        #expect(cache.count == 0)
    }

    @Test func `the cache keeps the newest and no more than its bound`() async throws {
        let cache = SessionCache()
        for number in 0..<(SessionCache.maximumEntries * 2 + 10) {
            _ = try await cache.caller("\(number)", now: .distantPast) { FakeRequests.customer }
        }
        #expect(cache.count == SessionCache.maximumEntries)
        #expect(try await cache.caller("\(SessionCache.maximumEntries * 2 + 9)", now: .distantPast) { nil } != nil)
        #expect(try await cache.caller("0", now: .distantPast) { nil } == nil)
    }

    @Test func `a revocation is received and removes that user's tokens only`() async throws {
        let cache = SessionCache()
        for (hash, caller) in [("a", FakeRequests.customer), ("b", FakeRequests.customer), ("c", FakeRequests.admin)] {
            _ = try await cache.caller(hash, now: .distantPast) { caller }
        }
        let malformed = Array("{".utf8)
        let revoked = try JSON.encode(SessionRevoked(userID: FakeRequests.customer.id))
        let events = FakeEvents([malformed, revoked])
        try await ServiceChanges(events: events, sessions: cache, answers: AnswerCache(of: [], lifetime: 0), logger: TestIngress.quiet).run()
        #expect(cache.count == 1)
        #expect(try await cache.caller("c", now: .distantPast) { nil } == FakeRequests.admin)
    }
}

/// Returns its messages once, then ends as a stopped consumer does.
private actor FakeEvents: MessageConsumer {
    private var bodies: [[UInt8]]
    let replyAddress: String? = nil

    init(_ bodies: [[UInt8]]) { self.bodies = bodies }

    func next(limit: Int) async throws -> [Delivery] {
        guard !bodies.isEmpty else { throw CancellationError() }
        defer { bodies = [] }
        return bodies.enumerated().map { number, body in
            Delivery(
                tag: DeliveryTag(generation: 1, number: UInt64(number)), exchange: "events", routingKey: MessageName.sessionRevoked,
                redelivered: false, properties: Properties(), body: body)
        }
    }

    func acknowledge(_ tags: [DeliveryTag]) async {}
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async {}
    func stopConsuming() async {}
}
