import Contracts
import FoundationEssentials
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct WaitTests {
    private static let accepted = Reply(
        status: 202, headers: ["location": "/v1/orders/1?token=t"], body: Array(#"{"order":{"id":"1","state":"pending"}}"#.utf8))
    private static let settled = Reply(status: 200, body: Array(#"{"order":{"id":"1","state":"confirmed"}}"#.utf8))

    private static func requests(_ settled: @escaping @Sendable () throws -> Reply) -> FakeRequests {
        FakeRequests { request in request.operation == MessageName.waitForOrder ? try settled() : accepted }
    }

    private func checkOut(_ requests: FakeRequests, _ headers: [String]) async throws -> TestResponse {
        try await TestIngress.with(requests) { port in
            try await TestIngress.exchange(port, "POST /v1/checkouts", headers: ["Idempotency-Key: 1"] + headers, body: "{}")
        }
    }

    @Test func `without a preference a checkout is answered 202 at once`() async throws {
        let requests = Self.requests { Self.settled }
        let response = try await checkOut(requests, [])
        #expect(response.status == 202)
        #expect(response.headers["location"] == "/v1/orders/1?token=t")
        #expect(response.headers["preference-applied"] == nil)
        #expect(requests.sent.map(\.durability) == [.durable])
    }

    @Test func `with a wait a settled checkout is answered 200 with its location`() async throws {
        let requests = Self.requests { Self.settled }
        let response = try await checkOut(requests, ["Prefer: respond-async, wait=30", TestIngress.asCustomer])
        #expect(response.status == 200)
        #expect(response.body == Self.settled.body)
        #expect(response.headers["location"] == "/v1/orders/1?token=t")
        #expect(response.headers["preference-applied"] == "wait=30")
        let wait = try #require(requests.sent.last)
        #expect(wait.request.operation == "orders.orders.wait")
        #expect(wait.request.body == Self.accepted.body)
        #expect(wait.request.parameters == ["location": "/v1/orders/1?token=t"])
        #expect(wait.request.caller == FakeRequests.customer)
        #expect(wait.durability == .command)
        #expect(wait.timeout > .zero && wait.timeout <= .seconds(30))
    }

    /// The reply to the checkout that announces another one.
    private static var announced: Reply {
        var reply = accepted
        reply.settlesUntil = Date(timeIntervalSinceNow: 30)
        return reply
    }

    @Test func `a checkout says how long its client waits, and is answered by the second reply`() async throws {
        let requests = FakeRequests(followedBy: Self.settled) { _ in Self.announced }
        let response = try await checkOut(requests, ["Prefer: wait=30"])
        #expect(response.status == 200)
        #expect(response.body == Self.settled.body)
        #expect(response.headers["location"] == "/v1/orders/1?token=t")
        #expect(response.headers["preference-applied"] == "wait=30")
        let sent = try #require(requests.sent.first)
        let until = try #require(sent.request.settlesUntil)
        #expect((0...30).contains(until.timeIntervalSinceNow))
        #expect(requests.sent.count == 1)
    }

    @Test func `without the second reply in time the first is the answer`() async throws {
        let response = try await checkOut(FakeRequests { _ in Self.announced }, ["Prefer: wait=30"])
        #expect(response.status == 202)
        #expect(response.body == Self.accepted.body)
        #expect(response.headers["preference-applied"] == "wait=30")
    }

    @Test func `a second reply that comes first is the answer`() async throws {
        let response = try await checkOut(FakeRequests { _ in Self.settled }, ["Prefer: wait=30"])
        #expect(response.status == 200)
        #expect(response.headers["preference-applied"] == "wait=30")
    }

    @Test func `a wait that times out returns the 202`() async throws {
        let response = try await checkOut(Self.requests { throw RequestClient.Unanswered.timedOut }, ["Prefer: wait=30"])
        #expect(response.status == 202)
        #expect(response.body == Self.accepted.body)
        #expect(response.headers["preference-applied"] == "wait=30")
    }

    @Test func `a wait that is not available returns the 202`() async throws {
        let response = try await checkOut(Self.requests { throw RequestClient.Unanswered.unroutable }, ["Prefer: wait=30"])
        #expect(response.status == 202)
        #expect(response.headers["preference-applied"] == nil)
    }

    @Test func `a replayed checkout can be waited for as well`() async throws {
        var reply = Self.accepted
        reply.isReplayed = true
        let replayed = reply
        let requests = FakeRequests { $0.operation == MessageName.waitForOrder ? Self.settled : replayed }
        let response = try await checkOut(requests, ["Prefer: wait=30"])
        #expect(response.status == 200)
        #expect(response.headers["idempotent-replayed"] == "true")
    }

    @Test func `a rejected checkout is not waited for`() async throws {
        let requests = FakeRequests { _ in Reply(.conflict("cart-ordered", "d")) }
        let response = try await checkOut(requests, ["Prefer: wait=30"])
        #expect(response.status == 409)
        #expect(requests.sent.count == 1)
    }

    @Test(
        arguments: [
            (["wait=10"], 10), (["respond-async", "Wait = 3"], 3), (["wait=100"], 30), (["wait=\"4\""], 4), (["wait=5;x=y"], 5),
            (["wait=99999999999999999999"], 30), (["wait=0"], nil), (["wait=-1"], nil), (["wait=soon"], nil), (["wait"], nil),
            (["handling=lenient"], nil), ([], nil),
        ] as [([String], Int?)])
    func `a preference is parsed as in the RFC`(values: [String], seconds: Int?) {
        #expect(WaitPreference.read(values) == seconds)
    }
}
