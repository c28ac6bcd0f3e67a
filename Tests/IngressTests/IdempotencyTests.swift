import Contracts
import FoundationEssentials
import Messaging
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct IdempotencyTests {
    private func ids(_ requests: [(line: String, headers: [String])]) async throws -> [UUID] {
        let fake = FakeRequests()
        try await TestIngress.with(fake) { port in
            for request in requests {
                let response = try await TestIngress.exchange(port, request.line, headers: request.headers)
                #expect(response.status == 200)
            }
        }
        return fake.sent.map(\.request.id)
    }

    @Test func `the same key of the same caller for the same operation is the same message`() async throws {
        let ids = try await ids([
            ("POST /v1/carts", ["Idempotency-Key: 1", TestIngress.asCustomer]), ("POST /v1/carts", ["Idempotency-Key: 1", TestIngress.asCustomer]),
            ("POST /v1/carts", ["Idempotency-Key: 2", TestIngress.asCustomer]), ("DELETE /v1/carts/1", ["Idempotency-Key: 1", TestIngress.asCustomer]),
            ("POST /v1/carts", ["Idempotency-Key: 1", TestIngress.asAdmin]), ("POST /v1/carts", []), ("POST /v1/carts", []),
        ])
        #expect(ids[0] == ids[1])
        #expect(Set(ids).count == ids.count - 1)
    }

    @Test(arguments: [["Idempotency-Key:"], ["Idempotency-Key: caf\u{E9}"], ["Idempotency-Key: a", "Idempotency-Key: b"]])
    func `a malformed key is 400 and named`(headers: [String]) async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "POST /v1/carts", headers: headers)
            #expect(response.status == 400)
            #expect(response.problem?.errors?.first?.field == "Idempotency-Key")
        }
    }

    @Test func `255 characters are a key and 256 are not`() async throws {
        let key = String(repeating: "k", count: 255)
        try await TestIngress.with { port in
            let longest = try await TestIngress.exchange(port, "POST /v1/carts", headers: ["Idempotency-Key: \(key)"])
            let tooLong = try await TestIngress.exchange(port, "POST /v1/carts", headers: ["Idempotency-Key: \(key)k"])
            #expect(longest.status == 200 && tooLong.status == 400)
        }
    }

    @Test func `a checkout without a key is 400`() async throws {
        try await TestIngress.with { port in
            let response = try await TestIngress.exchange(port, "POST /v1/checkouts", body: "{}")
            #expect(response.status == 400)
            #expect(response.problem?.errors?.first?.field == "Idempotency-Key")
        }
    }

    @Test func `a replayed reply is marked as one`() async throws {
        var reply = Reply(status: 201)
        reply.isReplayed = true
        let replayed = reply
        try await TestIngress.with(FakeRequests { _ in replayed }) { port in
            let response = try await TestIngress.exchange(port, "POST /v1/carts", headers: ["Idempotency-Key: 1"])
            #expect(response.headers["idempotent-replayed"] == "true")
        }
    }
}
