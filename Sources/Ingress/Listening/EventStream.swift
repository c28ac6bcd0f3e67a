import FoundationEssentials
import Hummingbird
import Messaging
import NIOCore
import Runtime

/// Server-Sent Events: the first reply's events, and further ones with each change of the thing that they are about, until its service says that no more will follow.
struct EventStream: Sendable {
    /// Listeners of this process, each with a connection, a task and a few hundred bytes here; one more is answered 503.
    static let maximumAtOnce = 6_000
    /// After this time, in seconds, the client has to reconnect, and is authenticated again.
    static let longest: TimeInterval = 1_800

    let call: Call
    /// The parameter `after` of the request for the next events.
    let next: String
    let topic: ChangeWatch.Topic
    let watch: ChangeWatch
    let dispatcher: Dispatcher
    let clock: any WallClock
    /// Held until the answer is written.
    let seat: Seat

    func body(after first: [UInt8]) -> ResponseBody {
        ResponseBody { writer in
            // Events or a comment, so that the head leaves at once.
            try await writer.write(ByteBuffer(bytes: first.isEmpty ? Self.heartbeat : first))
            var next = next
            for await signal in watch.signals(of: topic) {
                if clock.now().timeIntervalSince(call.received) > Self.longest { break }
                guard signal == .changed else {
                    try await writer.write(ByteBuffer(bytes: Self.heartbeat))
                    continue
                }
                guard let part = await part(after: next) else {
                    watch.repeatSignal(of: topic)
                    continue
                }
                guard part.status == 200 else { break }
                if !part.body.isEmpty { try await writer.write(ByteBuffer(bytes: part.body)) }
                guard let following = part.headers[Reply.nextPage] else { break }
                next = following
            }
            try await writer.finish(nil)
        }
    }

    private static let heartbeat = Array(":\n\n".utf8)

    /// Nil when there is no answer; a service that is away answers later.
    private func part(after place: String) async -> Reply? {
        let request = call.request(after: place, dispatcher.randomness)
        guard let reply = try? await dispatcher.requests.send(request, durability: .query, timeout: call.endpoint.deadline) else { return nil }
        return reply.status < 500 ? reply : nil
    }
}
