import Contracts
import FoundationEssentials
import Messaging
import Synchronization
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct AnswerCacheTests {
    private static let path = "/v1/products/x"
    /// Longer than any test.
    private static let longLifetime = 60.0

    private static func configuration(_ lifetime: Double = longLifetime) -> IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.answerLifetime = lifetime
        return configuration
    }

    private static func counting() -> FakeRequests {
        let asked = Asked()
        return FakeRequests { request in
            if request.operation != "catalog.products.get" { return Reply(status: 200, body: Array("{}".utf8)) }
            let number = asked.note()
            return Reply(status: 200, headers: ["etag": "\"\(number)\""], body: Array("{\"n\":\(number)}".utf8))
        }
    }

    @Test func `what every guest would get is asked once, and answers 304 by its tag`() async throws {
        let requests = Self.counting()
        try await TestIngress.with(requests, Self.configuration()) { port in
            let first = try await TestIngress.exchange(port, "GET \(Self.path)")
            let second = try await TestIngress.exchange(port, "GET \(Self.path)")
            #expect(first.text == second.text && first.headers["etag"] == second.headers["etag"])
            #expect(first.headers["x-request-id"] != second.headers["x-request-id"])
            let third = try await TestIngress.exchange(port, "GET \(Self.path)", headers: ["If-None-Match: \"1\""])
            #expect(third.status == 304 && third.text.isEmpty)
            _ = try await TestIngress.exchange(port, "GET /v1/products/y")
        }
        #expect(requests.sent.count == 2)
    }

    @Test(arguments: [
        ["Cache-Control: no-cache"], ["Cache-Control: max-age=0, No-Cache"], ["Authorization: Bearer \(FakeRequests.customerToken)"],
    ])
    func `who insists on what is true now, or has a session, is answered by the service`(headers: [String]) async throws {
        let requests = Self.counting()
        try await TestIngress.with(requests, Self.configuration()) { port in
            _ = try await TestIngress.exchange(port, "GET \(Self.path)")
            let fresh = try await TestIngress.exchange(port, "GET \(Self.path)", headers: headers)
            #expect(fresh.text == #"{"n":2}"#)
            let kept = try await TestIngress.exchange(port, "GET \(Self.path)")
            #expect(kept.text == #"{"n":1}"#, "what was answered to one is not given to others")
        }
    }

    @Test func `after a change through this ingress nothing is answered that was read before`() async throws {
        let requests = Self.counting()
        try await TestIngress.with(requests, Self.configuration()) { port in
            _ = try await TestIngress.exchange(port, "GET \(Self.path)")
            let token = "Authorization: Bearer \(FakeRequests.adminToken)"
            let change = try await TestIngress.exchange(port, "PUT /v1/stock/x", headers: [token], body: #"{"onHand":1}"#)
            #expect(change.status == 200)
            #expect(try await TestIngress.exchange(port, "GET \(Self.path)").text == #"{"n":2}"#)
            _ = try await TestIngress.exchange(port, "POST /v1/carts", body: "{}")
            #expect(try await TestIngress.exchange(port, "GET \(Self.path)").text == #"{"n":2}"#, "another service's change is nothing to it")
        }
    }

    @Test func `without a lifetime nothing is kept`() async throws {
        let requests = Self.counting()
        try await TestIngress.with(requests, Self.configuration(0)) { port in
            for _ in 0..<2 { _ = try await TestIngress.exchange(port, "GET \(Self.path)") }
        }
        #expect(requests.sent.count == 2)
    }

    private static func endpoint() throws -> Endpoint {
        try #require(try TestIngress.document.get().endpoints.first { $0.operationID == "catalog.products.get" })
    }

    private static func cache() throws -> AnswerCache { AnswerCache(of: [try endpoint()], lifetime: 1) }

    @Test func `an answer ends with its lifetime, and one that is none is not kept`() async throws {
        let (cache, endpoint, now) = (try Self.cache(), try Self.endpoint(), Date(timeIntervalSince1970: 0))
        _ = try await cache.reply(to: "/a", of: endpoint, at: now) { Reply(status: 200) }
        #expect(cache.kept("/a", at: now.addingTimeInterval(0.9)) != nil)
        #expect(cache.kept("/a", at: now.addingTimeInterval(1)) == nil)
        _ = try await cache.reply(to: "/b", of: endpoint, at: now) { Reply(status: 404) }
        #expect(cache.kept("/b", at: now) == nil)
    }

    @Test func `an answer that was asked for before a change is given to its asker and kept for nobody`() async throws {
        let (cache, endpoint, now) = (try Self.cache(), try Self.endpoint(), Date(timeIntervalSince1970: 0))
        let reply = try await cache.reply(to: "/a", of: endpoint, at: now) {
            cache.forget(service: "catalog")
            return Reply(status: 200)
        }
        #expect(reply.status == 200)
        #expect(cache.kept("/a", at: now) == nil)
    }

    @Test func `what is kept has a bound in bytes`() async throws {
        let (cache, endpoint, now) = (try Self.cache(), try Self.endpoint(), Date(timeIntervalSince1970: 0))
        let large = [UInt8](repeating: 0, count: AnswerCache.largestAnswer)
        _ = try await cache.reply(to: "/large", of: endpoint, at: now) { Reply(status: 200, body: large) }
        #expect(cache.count == 0)
        let body = [UInt8](repeating: 0, count: 100_000)
        for number in 0..<500 {
            _ = try await cache.reply(to: "/\(number)", of: endpoint, at: now) { Reply(status: 200, body: body) }
            #expect(cache.bytes <= AnswerCache.maximumBytes)
        }
        #expect(cache.kept("/499", at: now) != nil)
    }

    @Test func `who misses the same answer at the same time shares one request, and its error`() async throws {
        let (cache, endpoint, now) = (try Self.cache(), try Self.endpoint(), Date(timeIntervalSince1970: 0))
        let asked = Asked()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await cache.reply(to: "/a", of: endpoint, at: now) {
                        asked.note()
                        for await _ in gate { break }
                        return Reply(status: 200)
                    }.status
                }
            }
            while cache.waiting < 19 { await Task.yield() }
            open.yield()
            for try await status in group { #expect(status == 200) }
        }
        #expect(asked.count == 1)
    }
}

private final class Asked: Sendable {
    private let number = Atomic(0)
    var count: Int { number.load(ordering: .relaxed) }
    @discardableResult
    func note() -> Int { number.add(1, ordering: .relaxed).newValue }
}
