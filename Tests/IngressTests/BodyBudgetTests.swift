import Messaging
import TestKit
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct BodyBudgetTests {
    private static func configuration(_ held: Int) -> IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.maximumHeldBodyBytes = held
        return configuration
    }

    private static func head(_ length: Int) -> String {
        "POST /v1/sessions HTTP/1.1\r\nHost: wharf\r\nContent-Type: application/json\r\nContent-Length: \(length)\r\n\r\n"
    }

    @Test func `halves of large bodies hold no more than the budget, and small requests go on`() async throws {
        let half = String(repeating: "x", count: 500_000)
        // Room for three such halves.
        try await TestIngress.with(FakeRequests(), Self.configuration(1_600_000)) { port in
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try? await Connection.with(port) { connection in
                            // Rejected clients may find their connection closed before they have sent everything.
                            try? await connection.write(Self.head(1_000_000) + half)
                            return try await connection.response().status
                        }
                    }
                }
                // Five are turned away; the others wait for their second halves.
                for _ in 0..<5 { #expect(await group.next() == 503) }
                let small = try? await TestIngress.exchange(port, "POST /v1/sessions", body: String(repeating: "x", count: 10_000))
                #expect(small?.status == 200)
                group.cancelAll()
            }
        }
    }

    @Test func `a body past the budget is 503 with a time to retry, and the connection ends`() async throws {
        let requests = FakeRequests()
        try await TestIngress.with(requests, Self.configuration(100_000)) { port in
            try await Connection.with(port) { connection in
                try await connection.write(Self.head(200_000) + String(repeating: "x", count: 150_000))
                let response = try await connection.response()
                #expect(response.status == 503 && response.problem != nil)
                #expect(response.headers["retry-after"] != nil && response.headers["connection"] == "close")
            }
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `the budget is released when the request is answered, and when its client disconnects`() async throws {
        let body = String(repeating: "x", count: 150_000)
        try await TestIngress.with(FakeRequests(), Self.configuration(200_000)) { port in
            for _ in 0..<3 { #expect(try await TestIngress.exchange(port, "POST /v1/sessions", body: body).status == 200) }
            try await Connection.with(port) { try await $0.write(Self.head(160_000) + body) }
            try await eventually("Its bytes are given back") {
                try await TestIngress.exchange(port, "POST /v1/sessions", body: body).status == 200
            }
        }
    }

    @Test func `a body is held until its request is answered`() async throws {
        let (stream, release) = AsyncStream.makeStream(of: Void.self)
        let requests = FakeRequests { request in
            if request.body.first == UInt8(ascii: "a") { for await _ in stream { break } }
            return Reply(status: 200)
        }
        let body = String(repeating: "a", count: 150_000)
        try await TestIngress.with(requests, Self.configuration(200_000)) { port in
            async let first = TestIngress.exchange(port, "POST /v1/sessions", body: body)
            try await eventually("It waits for its answer") { requests.sent.count == 1 }
            #expect(try await TestIngress.exchange(port, "POST /v1/sessions", body: String(repeating: "b", count: 150_000)).status == 503)
            release.finish()
            #expect(try await first.status == 200)
        }
    }

    @Test func `the first bytes of each body do not count against the budget`() {
        let budget = BodyBudget(bytes: 10)
        let (first, second) = (budget.share(), budget.share())
        #expect(first.grow(to: BodyBudget.freeBytes) && second.grow(to: BodyBudget.freeBytes))
        #expect(budget.heldBytes == 0)
        #expect(first.grow(to: BodyBudget.freeBytes + 8) && !second.grow(to: BodyBudget.freeBytes + 3) && second.grow(to: BodyBudget.freeBytes + 2))
        #expect(budget.heldBytes == 10)
        first.end()
        first.end()
        #expect(budget.heldBytes == 2)
    }
}
