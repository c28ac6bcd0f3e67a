import AMQP
import FoundationEssentials
import Logging
import TestKit
import Testing

@testable import Messaging
@testable import Runtime

@Suite(.timeLimit(.minutes(1))) struct `Second replies` {
    private let replies = ReplyQueue(address: "replies")
    private let publisher = ScriptedPublisher()
    private let clock = StandingClock()

    /// Sends a request, answers it with 202 and the announcement of a second reply, and passes that to `body` with the id that both replies arrive under.
    private func afterFirst(_ body: @Sendable @escaping (RequestClient, Reply, String) async throws -> Void) async throws {
        let client = RequestClient(
            commands: publisher, queries: publisher, replies: replies, clock: clock, randomness: CountingRandomness(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            var request = Request(id: UUID(), operation: "carts.checkouts.create")
            request.settlesUntil = clock.now().addingTimeInterval(30)
            let sending = request
            let first = Task { try await client.send(sending, durability: .durable, timeout: .seconds(10)) }
            try await eventually { publisher.publications.count == 1 }
            let id = try #require(publisher.publications.first?.properties.correlationID)
            reply(202, to: id, settlesUntil: request.settlesUntil)
            try await body(client, try await first.value, id)
            group.cancelAll()
        }
    }

    private func reply(_ status: Int, to id: String, settlesUntil: Date? = nil, isReplayed: Bool = false) {
        var reply = Reply(status: status)
        reply.isReplayed = isReplayed
        reply.settlesUntil = settlesUntil
        replies.deliver(reply.publication(to: Requester(replyTo: "replies", correlationID: id)).properties)
    }

    @Test func `one that arrives late is waited for`() async throws {
        try await afterFirst { client, first, id in
            #expect(first.status == 202)
            async let second = client.second(after: first)
            reply(200, to: id)
            #expect(await second?.status == 200)
            #expect(client.inFlight == 0)
        }
    }

    /// The request was delivered twice, and the inbox has answered the second time.
    @Test func `the first reply once more is not the second`() async throws {
        try await afterFirst { client, first, id in
            reply(202, to: id, isReplayed: true)
            async let second = client.second(after: first)
            reply(200, to: id)
            #expect(await second?.status == 200)
        }
    }

    @Test func `one that arrives early is kept`() async throws {
        try await afterFirst { client, first, id in
            reply(200, to: id)
            // It has been read when the reply after it has been.
            let other = Request(id: UUID(), operation: "carts.carts.get")
            let sent = Task { try await client.send(other, durability: .query, timeout: .seconds(10)) }
            try await eventually { publisher.publications.count == 2 }
            reply(204, to: try #require(publisher.publications.last?.properties.correlationID))
            #expect(try await sent.value.status == 204)
            #expect(await client.second(after: first)?.status == 200)
            #expect(await client.second(after: first) == nil)
        }
    }

    @Test func `one that does not arrive is given up when its time is over`() async throws {
        try await afterFirst { client, first, _ in
            async let second = client.second(after: first)
            clock.advance(by: 31)
            #expect(await second == nil)
            #expect(client.inFlight == 0)
        }
    }

    @Test func `one that its client no longer wants is forgotten`() async throws {
        try await afterFirst { client, first, _ in
            let second = Task { await client.second(after: first) }
            second.cancel()
            #expect(await second.value == nil)
            #expect(client.inFlight == 0)
        }
    }

    @Test func `is lost with the reply queue that it was sent to`() async throws {
        try await afterFirst { client, first, _ in
            async let second = client.second(after: first)
            replies.move(to: "another")
            #expect(await second == nil)
        }
    }

    @Test func `a reply that announces none is the only one`() async throws {
        try await afterFirst { client, _, _ in
            #expect(await client.second(after: Reply(status: 202)) == nil)
        }
    }

    @Test func `the announcement is not stored with the reply`() {
        var reply = Reply(status: 202)
        reply.settlesUntil = clock.now()
        #expect(OutgoingMessages(reply: reply).recalled.reply?.settlesUntil == nil)
    }

    @Test func `the wait goes on with the requester to the service that answers`() throws {
        var input = Request(id: UUID(), operation: "carts.checkouts.create", requester: Requester(replyTo: "replies.ingress.1", correlationID: "1"))
        input.settlesUntil = Date(timeIntervalSince1970: 1_800_000_000)
        let forwarded = try OutgoingMessage(.request("orders.checkouts.place"), [String: String](), forwardsRequester: true)
        let kept = try OutgoingMessage(.request("orders.checkouts.place"), [String: String]())
        func settlesUntil(_ message: OutgoingMessage) throws -> Date? {
            let publication = message.publication(at: 0, of: input, recorded: nil, now: Date())
            let delivery = Delivery(
                tag: DeliveryTag(generation: 1, number: 1), exchange: "requests", routingKey: "orders.checkouts.place", redelivered: false,
                properties: publication.properties, body: publication.body)
            return try Request(delivery).settlesUntil
        }
        #expect(try settlesUntil(forwarded) == input.settlesUntil)
        #expect(try settlesUntil(kept) == nil)
    }
}
