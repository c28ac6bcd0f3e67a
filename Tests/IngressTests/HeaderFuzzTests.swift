import FuzzTargets
import Testing

@testable import Ingress

/// Every header that the ingress reads, with hostile values: each is answered, and so is the next request.
@Suite(.timeLimit(.minutes(2))) struct HeaderFuzzTests {
    /// Those that the ingress, or the server below it, acts on.
    private static let names = [
        "Prefer", "If-Match", "If-None-Match", "Idempotency-Key", "Authorization", "traceparent", "Content-Type", "Content-Encoding", "Accept",
        "Accept-Encoding", "Forwarded", "X-Forwarded-For", "Stripe-Signature", "X-Request-Id", "Last-Event-ID", "Connection", "Expect",
    ]
    private static let values = [
        "", ";", ",", "=", "-", "\"", ";;", ";,;", ",,", "=;=", "wait", "wait=", "wait=;", "wait=\"", "=wait", "wait=-1", "wait=99999999999999999999", ";wait=1",
        "Bearer", "Bearer ", "bearer  ,", "Basic Og==", "00-", "---", "----", "00-00-00-00", "t", "t=", "t=,v1=", "v1=,t=", "t=1,t=2", "t=-9223372036854775808,v1=00",
        "W/", "W/\"", "\"", "\"\\", "*", "*,*", "application/", "/", "application/json;", ";charset", "gzip, gzip", "gzip;q=", "q=0", "for=", "for=\"[::\"", "100-continue",
        "close, keep-alive", "\u{E9}", "%", "%00", "9223372036854775808", "-1", "nan", "1e999", String(repeating: ";", count: 2_000),
        String(repeating: "a,", count: 1_000), String(repeating: "\"", count: 999),
    ]
    private static let lines = ["POST /v1/checkouts", "GET /v1/products", "POST /v1/webhooks/stripe", "PUT /v1/carts/1/items/A", "GET /readyz", "OPTIONS /v1/carts"]

    /// On one connection after another; a trap ends the whole test process.
    private func send(_ port: Int, _ line: String, _ headers: [String], body: String = "{}") async throws -> TestResponse? {
        try await Connection.with(port) { connection in
            let text = ["\(line) HTTP/1.1", "Host: wharf"] + headers + ["Content-Length: \(body.utf8.count)"]
            try await connection.write(text.joined(separator: "\r\n") + "\r\n\r\n" + body)
            return try? await connection.response(hasBody: false)
        }
    }

    @Test(arguments: names)
    func `any value of a header is answered`(name: String) async throws {
        try await TestIngress.with { port in
            for (number, value) in Self.values.enumerated() {
                let line = Self.lines[number % Self.lines.count]
                // A checkout gets as far as its preference.
                let others = name == "Idempotency-Key" ? [] : ["Idempotency-Key: k"]
                for line in [line, "POST /v1/checkouts"] {
                    let answer = try #require(try await send(port, line, others + ["Content-Type: application/json", "\(name): \(value)"]), "\(line) \(name): \(value)")
                    // `Expect` is answered 100 first.
                    #expect((100..<600).contains(answer.status) && answer.status != 500, "\(line) \(name): \(value) → \(answer.status)")
                }
            }
        }
    }

    @Test func `any host, length and transfer coding is answered, or ends its connection`() async throws {
        try await TestIngress.with { port in
            for value in Self.values {
                for name in ["Host", "Content-Length", "Transfer-Encoding"] {
                    _ = try await Connection.with(port) { connection in
                        try? await connection.write("POST /v1/carts HTTP/1.1\r\n\(name): \(value)\r\nConnection: close\r\n\r\n")
                        return try? await connection.response(hasBody: false)
                    }
                }
            }
            #expect(try await TestIngress.exchange(port, "GET /livez").status == 200)
        }
    }

    @Test func `any query and any segment of a path is answered`() async throws {
        try await TestIngress.with { port in
            for value in Self.values where !value.contains("\u{E9}") {
                let text = value.filter { $0 != " " }
                for target in ["/v1/products?\(text)", "/v1/products?limit=\(text)", "/v1/products?cursor=\(text)&\(text)", "/v1/products/\(text)", "/v1/\(text)/x", "/\(text)"] {
                    let answer = try #require(try await send(port, "GET \(target)", [], body: ""), "\(target)")
                    #expect(answer.status != 500, "\(target) → \(answer.status)")
                }
            }
        }
    }

    @Test func `headers that are mutated in any way are answered`() async throws {
        let seeds = Self.values.map { Array($0.utf8) }
        try await TestIngress.with { port in
            var mutator = Mutator(seed: 21)
            for number in 0..<400 {
                let name = Self.names[number % Self.names.count]
                let bytes = mutator.mutation(of: seeds).prefix(500).filter { $0 >= 0x20 && $0 < 0x7F }
                let value = String(decoding: bytes, as: UTF8.self)
                let line = Self.lines[number % Self.lines.count]
                let answer = try #require(try await send(port, line, ["Idempotency-Key: k", "Content-Type: application/json", "\(name): \(value)"]), "\(line) \(name): \(value)")
                #expect(answer.status != 500, "\(line) \(name): \(value)")
            }
        }
    }
}
