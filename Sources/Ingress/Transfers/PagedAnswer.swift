import FoundationEssentials
import Hummingbird
import Messaging
import NIOCore
import Runtime

/// The rest of an answer that is too large for one message: each part is asked for when the client has taken the one before.
struct PagedAnswer: Sendable {
    /// In this process; more are answered 503.
    static let maximumAtOnce = 8
    /// A part is asked for again, so often, before the answer breaks off.
    static let maximumTries = 3
    /// From the first part to the last one.
    static let deadline: TimeInterval = 900

    /// The connection is closed without the end of the answer, by which a client knows that something is missing.
    struct BrokenOff: Error {}

    let call: Call
    /// What the second part is asked for with.
    let next: String
    let dispatcher: Dispatcher
    let clock: any WallClock
    /// Held until the answer is written.
    let seat: Seat

    func body(after first: [UInt8]) -> ResponseBody {
        ResponseBody { writer in
            try await writer.write(ByteBuffer(bytes: first))
            var next: String? = next
            while let place = next {
                guard clock.now().timeIntervalSince(call.received) < Self.deadline else { throw BrokenOff() }
                var part = try await part(after: place)
                next = part.headers.removeValue(forKey: Reply.nextPage)
                if !part.body.isEmpty { try await writer.write(ByteBuffer(bytes: part.body)) }
            }
            try await writer.finish(nil)
        }
    }

    private func part(after place: String) async throws -> Reply {
        for _ in 0..<Self.maximumTries {
            do {
                let request = call.request(after: place, dispatcher.randomness)
                let reply = try await dispatcher.requests.send(request, durability: .query, timeout: call.endpoint.deadline)
                guard reply.status == 200 else { throw BrokenOff() }
                return reply
            } catch is RequestClient.Unanswered {
                continue
            }
        }
        throw BrokenOff()
    }
}

/// A place among those that an ``ConcurrencyLimit`` lets in, given back with the last reference to it.
final class Seat: Sendable {
    private let admission: ConcurrencyLimit

    init?(in admission: ConcurrencyLimit) {
        guard admission.enter() else { return nil }
        self.admission = admission
    }

    deinit { admission.leave() }
}
