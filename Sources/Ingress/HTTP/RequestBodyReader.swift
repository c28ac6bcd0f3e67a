import HTTPTypes
import Hummingbird
import Messaging
import NIOCore
import NIOHTTPTypes
import Runtime

/// Reads a request's body up to its bound and within its deadline.
struct RequestBodyReader: Sendable {
    let body: RequestBody
    let head: HTTPRequest
    let channel: any Channel
    let deadline: Duration
    /// Counts the bytes read.
    let share: BodyBudget.Share
    let clock: any WallClock

    var declaredLength: Int? { head.headerFields[.contentLength].flatMap { Int($0) } }
    private var isChunked: Bool { head.headerFields[.transferEncoding] != nil }
    private var expectsContinue: Bool { head.headerFields[.expect]?.lowercased() == "100-continue" }

    /// Whether the request declares at least one byte of body. A chunked body's size is not known before it arrives.
    var isCertain: Bool { (declaredLength ?? 0) > 0 }

    /// Whether the request has a body, including an empty chunked one.
    var isPresent: Bool { isChunked || (declaredLength ?? 0) > 0 }

    /// Whether the rest of an unread body may exceed `limit` bytes, or may never arrive.
    func mayLinger(limit: Int) -> Bool {
        isChunked || (isPresent && expectsContinue) || (declaredLength ?? 0) > limit
    }

    /// Returns at most `limit` bytes, as the client has packed them; throws a ``Refusal`` when there are more, when they are late, when the process holds too
    /// many bodies already, or when the connection broke.
    func read(limit: Int) async throws -> [UInt8] {
        guard try await begin(limit: limit) else { return [] }
        let read: [UInt8]?
        do {
            read = try await clock.within(deadline) { try await collect(limit) }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal.badRequest("The body could not be read to its end.").closing
        }
        guard let read else { throw Refusal.slowBody }
        guard declaredLength == nil || declaredLength == read.count else {
            throw Refusal.badRequest("The body is shorter than its Content-Length.").closing
        }
        return read
    }

    /// Whether there is a body, which the client is then asked to send.
    func begin(limit: Int) async throws -> Bool {
        guard isPresent else { return false }
        if let declaredLength, declaredLength > limit { throw Refusal.bodyTooLarge(limit: limit) }
        if expectsContinue {
            try? await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue))).get()
        }
        return true
    }

    private func collect(_ limit: Int) async throws -> [UInt8] {
        // Memory is reserved for what has arrived, not for what was announced.
        var bytes: [UInt8] = []
        for try await buffer in body {
            guard bytes.count + buffer.readableBytes <= limit else { throw Refusal.bodyTooLarge(limit: limit) }
            guard share.grow(to: bytes.count + buffer.readableBytes) else { throw Refusal.tooManyBodies }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        try Task.checkCancellation()
        return bytes
    }
}
