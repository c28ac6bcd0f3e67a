import Contracts
import FoundationEssentials
import Messaging
import Testing

@testable import Ingress

/// Guests cannot be distinguished, so a key counts only within a scope that one of them alone can name.
@Suite(.timeLimit(.minutes(1))) struct GuestKeyTests {
    private struct Sent {
        let line: String
        var headers: [String] = ["Idempotency-Key: 1"]
        var body: String?
    }

    private func ids(_ requests: [Sent]) async throws -> [UUID] {
        let fake = FakeRequests()
        try await TestIngress.with(fake) { port in
            for request in requests {
                let answer1 = try await TestIngress.exchange(port, request.line, headers: request.headers, body: request.body)
                #expect(answer1.status == 200)
            }
        }
        return fake.sent.map(\.request.id)
    }

    @Test func `two guests who send the same key for a new cart get two carts`() async throws {
        let ids = try await ids([Sent(line: "POST /v1/carts"), Sent(line: "POST /v1/carts")])
        #expect(ids.count == 2 && ids[0] != ids[1])
    }

    @Test func `a customer's key for a new cart counts, and is separate from another's`() async throws {
        let customer = Sent(line: "POST /v1/carts", headers: ["Idempotency-Key: 1", TestIngress.asCustomer])
        let admin = Sent(line: "POST /v1/carts", headers: ["Idempotency-Key: 1", TestIngress.asAdmin])
        let ids = try await ids([customer, customer, admin])
        #expect(ids[0] == ids[1] && ids[1] != ids[2])
    }

    @Test func `within a cart a guest's key counts, by operation`() async throws {
        let ids = try await ids([
            Sent(line: "DELETE /v1/carts/a/items/X"), Sent(line: "DELETE /v1/carts/a/items/X"), Sent(line: "DELETE /v1/carts/b/items/X"), Sent(line: "DELETE /v1/carts/a"),
            Sent(line: "DELETE /v1/carts/a/items/X", headers: []),
        ])
        #expect(ids[0] == ids[1])
        #expect(Set(ids).count == 4)
    }

    @Test func `a checkout's key is scoped by the cart in its body`() async throws {
        func checkout(_ cart: String, _ rest: String = "") -> Sent { Sent(line: "POST /v1/checkouts", body: "{\"cartId\": \"\(cart)\"\(rest)}") }
        let ids = try await ids([checkout("a"), checkout("a", ", \"email\": \"x\""), checkout("b")])
        // The inbox compares the rest: it is the same key, used for another request.
        #expect(ids[0] == ids[1] && ids[1] != ids[2])
    }

    @Test(arguments: ["{", "[]", "{}", "{\"cartId\": 7}", "{\"cartId\": null}", "{\"cartId\": \"\"}"])
    func `a checkout without a readable cart is rejected by its service, and affects no other`(body: String) async throws {
        let ids = try await ids([Sent(line: "POST /v1/checkouts", body: body), Sent(line: "POST /v1/checkouts", body: body)])
        #expect(ids.count == 2 && ids[0] != ids[1])
    }

    @Test func `a sign-up's key is scoped by its e-mail address`() async throws {
        func signUp(_ email: String) -> Sent { Sent(line: "POST /v1/users", body: "{\"email\": \"\(email)\", \"password\": \"p\", \"name\": \"n\"}") }
        let ids = try await ids([signUp("a@example.com"), signUp("a@example.com"), signUp("b@example.com")])
        #expect(ids[0] == ids[1] && ids[1] != ids[2])
    }

    @Test func `a guest's input cannot be mistaken for another scope and key`() async throws {
        let ids = try await ids([
            Sent(line: "DELETE /v1/carts/a%7C1", headers: ["Idempotency-Key: 2"]), Sent(line: "DELETE /v1/carts/a", headers: ["Idempotency-Key: 1|2"]),
        ])
        #expect(ids[0] != ids[1])
    }

    @Test func `a guest whose key has no effect is not advised to reuse it`() async throws {
        try await TestIngress.with(FakeRequests { _ in throw RequestClient.Unanswered.timedOut }) { port in
            let response = try await TestIngress.exchange(port, "POST /v1/carts", headers: ["Idempotency-Key: 1"])
            #expect(response.status == 504 && response.problem?.retryable == false)
            let scoped = try await TestIngress.exchange(port, "DELETE /v1/carts/a", headers: ["Idempotency-Key: 1"])
            #expect(scoped.status == 504 && scoped.problem?.retryable == true)
        }
    }
}
