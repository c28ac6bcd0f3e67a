import HTTPTypes
import Messaging
import Runtime
import Traces

/// Sends the body of a request on as an ``Upload``. The memory for it is that of a piece, however large the body is and however slow its client.
///
/// A retry under the same `Idempotency-Key` is the same upload.
struct Uploads: Sendable {
    /// In this process; more are answered 503.
    static let maximumAtOnce = 4
    /// From the first byte to the last piece being kept: 64 MiB at 2 Mbit/s.
    static let deadline: Duration = .seconds(300)
    /// For one piece.
    static let pieceDeadline: Duration = .seconds(10)

    private let dispatcher: Dispatcher
    private let clock: any WallClock
    private let admission = ConcurrencyLimit(limit: maximumAtOnce)

    init(dispatcher: Dispatcher, clock: any WallClock) {
        self.dispatcher = dispatcher
        self.clock = clock
    }

    /// What a service has answered to a piece that it did not keep.
    private struct NotKept: Error {
        let reply: Reply
    }

    func reply(to call: Call, _ body: RequestBodyReader, _ headers: HTTPFields) async throws -> Reply {
        guard let operation = call.endpoint.uploadOperation, let limit = call.endpoint.maximumBody else { throw Refusal.unknownPath }
        guard admission.enter() else { throw Refusal.unavailable("Too many files are being received. Nothing was done.").closing }
        defer { admission.leave() }
        let isPacked = try ContentCoding.read(headers.values("content-encoding")) == .gzip
        let upload = Upload(id: call.messageID(dispatcher.randomness))
        var call = call
        call.parameters = upload.parameters(call.parameters)
        let pieces = PieceReader(body: body, size: Upload.pieceBytes, limit: limit, isPacked: isPacked)
        let kept = call
        let bytes: Int?
        do {
            bytes = try await clock.within(Self.deadline) {
                try await pieces.read { piece, place in try await keep(piece, at: place, of: upload, by: operation, kept) }
            }
        } catch let answer as NotKept {
            var reply = answer.reply
            reply.headers["connection"] = "close"
            return reply
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal.badRequest("The body could not be read to its end.").closing
        }
        guard let bytes else { throw Refusal.slowBody }
        call.id = upload.id
        call.body = try Upload.body(bytes: bytes)
        return try await dispatcher.reply(to: call)
    }

    private func keep(_ piece: [UInt8], at place: Int, of upload: Upload, by operation: String, _ call: Call) async throws {
        let request = Request(
            id: upload.id(at: place), operation: operation, parameters: upload.parameters(call.parameters, at: place), caller: call.session?.caller, body: piece,
            traceparent: call.trace.header, requestID: call.requestID)
        do {
            let reply = try await Upload.trying { try await dispatcher.requests.send(request, durability: .command, timeout: Self.pieceDeadline) }
            guard reply.status == 204 else { throw NotKept(reply: reply) }
        } catch is RequestClient.Unanswered {
            throw Refusal.unavailable("The file could not be kept. Nothing was imported.").closing
        }
    }
}
