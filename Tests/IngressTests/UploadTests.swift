import Contracts
import FoundationEssentials
import Gzip
import Ingress
import JSON
import Messaging
import Secrets
import Synchronization
import Testing

@Suite struct `Uploads` {
    /// Keeps pieces as the catalog does.
    private final class Shelf: Sendable {
        private let kept = Mutex<[(place: Int, bytes: [UInt8])]>([])
        let refusesAt: Int?

        init(refusesAt: Int? = nil) { self.refusesAt = refusesAt }

        var bytes: [UInt8] { kept.withLock { $0.flatMap(\.bytes) } }
        var sizes: [Int] { kept.withLock { $0.map(\.bytes.count) } }

        func answer(_ request: Messaging.Request) -> Reply {
            guard request.operation == MessageName.storeImportPiece else { return Reply(status: 202, headers: ["location": "/v1/imports/1"], body: Array("{}".utf8)) }
            let place = request.parameters["upload-place"].flatMap { Int($0) } ?? -1
            if let refusesAt, place >= refusesAt { return Reply(.invalidInput("kind", "is none")) }
            kept.withLock { $0.append((place, request.body)) }
            return .noContent
        }
    }

    private static let row = "SKU-1,A name that is long enough,1999,EUR\n"

    private func head(_ more: [String] = [], length: Int?) -> String {
        let lines =
            ["POST /v1/imports?kind=products HTTP/1.1", "Host: wharf", TestIngress.asAdmin, "Content-Type: text/csv"] + more
            + (length.map { ["Content-Length: \($0)"] } ?? [])
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func send(_ shelf: Shelf, _ head: String, _ body: [UInt8]) async throws -> (TestResponse, FakeRequests) {
        let requests = FakeRequests { shelf.answer($0) }
        let response = try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write(head)
                // Refused early, it is not taken to its end.
                try? await connection.write(body)
                return try await connection.response()
            }
        }
        return (response, requests)
    }

    @Test func `a file larger than any message arrives in pieces, each kept before the next`() async throws {
        let shelf = Shelf()
        let body = Array(String(repeating: Self.row, count: 40_000).utf8)
        let (response, requests) = try await send(shelf, head(length: body.count), body)
        #expect(response.status == 202)
        #expect(response.headers["location"] == "/v1/imports/1")
        #expect(shelf.bytes == body)
        #expect(shelf.sizes.dropLast().allSatisfy { $0 == 524_288 })
        let last = try #require(requests.sent.last)
        #expect(last.request.operation == "catalog.imports.create")
        #expect(last.durability == .durable)
        #expect(String(decoding: last.request.body, as: UTF8.self) == #"{"bytes":\#(body.count)}"#)
        #expect(Set(requests.sent.map { $0.request.parameters["upload"] }).count == 1)
        #expect(Set(requests.sent.map(\.request.id)).count == requests.sent.count)
        #expect(requests.sent.allSatisfy { $0.request.parameters["kind"] == "products" && $0.request.parameters["content-type"] == "text/csv" })
    }

    @Test func `a retry under the same key sends the same messages`() async throws {
        let body = Array(Self.row.utf8)
        let first = try await send(Shelf(), head(["Idempotency-Key: k"], length: body.count), body).1
        let second = try await send(Shelf(), head(["Idempotency-Key: k"], length: body.count), body).1
        #expect(first.sent.map(\.request.id) == second.sent.map(\.request.id))
    }

    @Test func `a chunked body, and an empty one, are taken as they are`() async throws {
        let shelf = Shelf()
        let chunks = Array("2a\r\n\(Self.row)\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
        #expect(Self.row.utf8.count == 0x2a)
        #expect(try await send(shelf, head(["Transfer-Encoding: chunked"], length: nil), chunks).0.status == 202)
        #expect(String(decoding: shelf.bytes, as: UTF8.self) == Self.row + "abc")
        let empty = try await send(Shelf(), head(length: 0), []).1
        #expect(empty.sent.map { String(decoding: $0.request.body, as: UTF8.self) } == [#"{"bytes":0}"#])
    }

    @Test func `what the service refuses of a piece is the answer, and no more is sent`() async throws {
        let body = Array(String(repeating: Self.row, count: 40_000).utf8)
        let (response, requests) = try await send(Shelf(refusesAt: 524_288), head(length: body.count), body)
        #expect(response.status == 422)
        #expect(response.headers["connection"] == "close")
        #expect(requests.sent.count == 2)
    }

    @Test func `more than 64 MiB, another type, another coding and another caller are refused before anything is kept`() async throws {
        let shelf = Shelf()
        #expect(try await send(shelf, head(length: 67_108_865), []).0.status == 413)
        #expect(try await send(shelf, head(["Content-Encoding: br"], length: 3), [1, 2, 3]).0.status == 415)
        #expect(try await send(shelf, head(length: 3).replacing("text/csv", with: "image/png"), [1, 2, 3]).0.status == 415)
        #expect(try await send(shelf, head(length: 3).replacing(TestIngress.asAdmin, with: TestIngress.asCustomer), [1, 2, 3]).0.status == 403)
        #expect(try await send(shelf, head(["Content-Encoding: gzip"], length: 3), [1, 2, 3]).0.status == 400)
        #expect(shelf.bytes == [])
    }
}

@Suite struct `Paged answers` {
    @Test func `an answer goes on part by part until there is no next, in the form that was asked for`() async throws {
        let requests = FakeRequests { request in
            let place = request.parameters["after"].flatMap { Int($0) } ?? 0
            var reply = Reply(status: 200, headers: ["content-type": "text/csv; charset=utf-8"], body: Array("part \(place)\n".utf8))
            if place < 3 { reply.headers[Reply.nextPage] = "\(place + 1)" }
            return reply
        }
        let text = try await exchange(requests)
        #expect(text.hasPrefix("HTTP/1.1 200"))
        #expect(!text.lowercased().contains("x-wharf-next"))
        #expect(text.contains("text/csv; charset=utf-8"))
        for place in 0...3 { #expect(text.contains("part \(place)\n")) }
        #expect(text.hasSuffix("0\r\n\r\n"))
        #expect(requests.sent.map { $0.request.parameters["accept"] } == Array(repeating: "text/csv", count: 4))
    }

    @Test func `an answer that cannot go on ends without its end`() async throws {
        let text = try await exchange(
            FakeRequests { request in
                guard request.parameters["after"] == nil else { return Reply(.unavailable("Not now.")) }
                return Reply(status: 200, headers: ["content-type": "text/csv", Reply.nextPage: "1"], body: Array("part 0\n".utf8))
            })
        #expect(text.contains("part 0\n"))
        #expect(!text.hasSuffix("0\r\n\r\n"))
    }

    private func exchange(_ requests: FakeRequests) async throws -> String {
        try await TestIngress.with(requests) { port in
            try await Connection.with(port) { connection in
                try await connection.write("GET /v1/exports/products HTTP/1.1\r\nHost: wharf\r\n\(TestIngress.asAdmin)\r\nAccept: text/csv\r\nConnection: close\r\n\r\n")
                return await connection.rest()
            }
        }
    }
}
