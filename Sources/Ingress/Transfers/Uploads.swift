import FoundationEssentials
import HTTPTypes
import JSON
import Messaging
import Runtime
import Secrets

/// Sends a body that is too large for a message on in pieces, each of which a service has kept before the next one is read. The memory for it is that of a
/// piece, however large the body is and however slow its client. Then the operation itself is asked for, with the name of what is kept.
///
/// A retry under the same `Idempotency-Key` sends the same pieces under the same ids: they count once, and another file is refused.
struct Uploads: Sendable {
    /// Of an unpacked body. A message, and a row, of a size that brokers and databases do not mind.
    static let pieceBytes = 524_288
    /// In this process; more are answered 503.
    static let maximumAtOnce = 4
    /// From the first byte to the last piece being kept: 64 MiB at 2 Mbit/s.
    static let deadline: Duration = .seconds(300)
    /// For one piece.
    static let pieceDeadline: Duration = .seconds(10)
    /// A piece whose fate is not known is sent again, so often.
    static let maximumTries = 3

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
        let upload = call.messageID(dispatcher.randomness)
        var call = call
        call.parameters["upload"] = upload.lowerCaseText
        let pieces = PieceReader(body: body, size: Self.pieceBytes, limit: limit, isPacked: isPacked)
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
        call.id = upload
        call.body = try JSON.encode(["bytes": bytes])
        return try await dispatcher.reply(to: call)
    }

    private func keep(_ piece: [UInt8], at place: Int, of upload: UUID, by operation: String, _ call: Call) async throws {
        let parameters = call.parameters.merging(["upload-place": "\(place)"]) { _, new in new }
        let request = Request(
            id: .v5(namespace: upload, name: "\(place)"), operation: operation, parameters: parameters, caller: call.session?.caller, body: piece,
            traceparent: call.trace.header, requestID: call.requestID)
        var tries = 1
        while true {
            do {
                let reply = try await dispatcher.requests.send(request, durability: .command, timeout: Self.pieceDeadline)
                guard reply.status == 204 else { throw NotKept(reply: reply) }
                return
            } catch is RequestClient.Unanswered where tries < Self.maximumTries {
                tries += 1
            } catch is RequestClient.Unanswered {
                throw Refusal.unavailable("The file could not be kept. Nothing was imported.").closing
            }
        }
    }
}
