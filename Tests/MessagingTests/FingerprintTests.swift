import FoundationEssentials
import Testing

@testable import Messaging

@Suite struct FingerprintTests {
    private func request(_ body: String, id: UUID = UUID(), key: String? = nil) -> Request {
        Request(id: id, operation: "a.b", parameters: key.map { [Request.idempotencyKey: $0] } ?? [:], body: Array(body.utf8))
    }

    @Test func `unnamed members do not change the fingerprint, and named ones do`() {
        let id = UUID()
        let named = Fingerprint.Scope.members(["email", "name"])
        let first = request(#"{"email": "a", "name": "b", "password": "c"}"#, id: id).fingerprint(of: named)
        #expect(request(#"{"password": "d", "name": "b", "email": "a"}"#, id: id).fingerprint(of: named) == first)
        for other in [#"{"email": "a", "name": "c"}"#, #"{"email": "a"}"#, #"{"email": "a", "name": ["b"]}"#, "", "[]"] {
            #expect(request(other, id: id).fingerprint(of: named) != first, "\(other)")
        }
        // One member's value cannot be mistaken for two members.
        #expect(
            request(#"{"email": "a\u0000name\u0001\"b\""}"#, id: id).fingerprint(of: named)
                != request(#"{"email": "a", "name": "b"}"#, id: id).fingerprint(of: named))
    }

    @Test func `on a queue of credentials the body does not count unless the operation names members`() {
        let id = UUID()
        #expect(request("a", id: id).fingerprint(of: .members([])) == request("b", id: id).fingerprint(of: .members([])))
        #expect(request("a", id: id).fingerprint(of: .body) != request("b", id: id).fingerprint(of: .body))
    }

    @Test func `a client's own key is part of the fingerprint, and its address is not`() {
        let id = UUID()
        var first = request("a", id: id, key: "k")
        #expect(first.fingerprint(of: .body) != request("a", id: id).fingerprint(of: .body))
        let before = first.fingerprint(of: .body)
        first.parameters[Request.clientAddress] = "192.0.2.1"
        #expect(first.fingerprint(of: .body) == before)
    }
}
