import AMQP
import Logging
import Secrets
import Synchronization
import Testing

@testable import Messaging

@Suite struct SealingTests {
    private static let key = SealingKey(derivedFrom: "secret", for: "tests")
    private static let signIn = Publication(exchange: Exchange.requests, routingKey: "users.sessions.create", body: Array("password".utf8))
    private static let read = Publication(exchange: Exchange.requests, routingKey: "users.me.get", body: Array("who am I".utf8))

    private func delivered(_ publication: Publication, number: UInt64 = 1) -> Delivery {
        Delivery(
            tag: DeliveryTag(generation: 1, number: number), exchange: publication.exchange, routingKey: publication.routingKey, redelivered: false,
            properties: publication.properties, body: publication.body)
    }

    @Test func `credentials are sent sealed, everything else unchanged, and the receiver reads both`() async throws {
        let publisher = ScriptedPublisher()
        let sealing = SealingPublisher(publisher, sealing: ["users.sessions.create"]) { Self.key }
        #expect(await sealing.publish([Self.read, Self.signIn]) == [.confirmed, .confirmed])
        let sent = publisher.publications
        #expect(sent.first == Self.read)
        #expect(sent.last?.body != Self.signIn.body)
        let consumer = OpeningConsumer(Queue(sent.map { delivered($0) }), keys: { [Self.key] }, logger: quiet)
        let received = try await consumer.next(limit: 10)
        #expect(received.map(\.body) == [Self.read.body, Self.signIn.body])
        #expect(received.last?.properties == Self.signIn.properties)
    }

    @Test func `without a key credentials are not sent, and messages beside them are`() async {
        let publisher = ScriptedPublisher()
        let sealing = SealingPublisher(publisher, sealing: ["users.sessions.create"]) { nil }
        let outcomes = await sealing.publish([Self.signIn, Self.read, Self.signIn])
        let codes: [AMQPError.Code?] = outcomes.map { if case .failed(let error) = $0 { error.code } else { nil } }
        #expect(codes == [.notConnected, nil, .notConnected])
        #expect(publisher.publications == [Self.read])
        // So the client is asked to retry.
        guard let first = outcomes.first, case .refused = RequestClient.unanswered(first) else {
            Issue.record("\(outcomes)")
            return
        }
    }

    @Test func `a message sealed with another key, or for another operation, is dropped, and its neighbours are handled`() async throws {
        let publisher = ScriptedPublisher()
        let other = SealingPublisher(publisher, sealing: ["users.sessions.create"]) { SealingKey(derivedFrom: "old", for: "tests") }
        _ = await other.publish([Self.signIn])
        _ = await SealingPublisher(publisher, sealing: ["users.sessions.create"]) { Self.key }.publish([Self.signIn])
        var redirected = publisher.publications[1]
        redirected.routingKey = "users.accounts.create"
        let deliveries = [publisher.publications[0], redirected, Self.read].enumerated().map { delivered($0.element, number: UInt64($0.offset)) }
        let queue = Queue(deliveries)
        #expect(try await OpeningConsumer(queue, keys: { [Self.key] }, logger: quiet).next(limit: 10).map(\.body) == [Self.read.body])
        #expect(queue.acknowledged == deliveries.prefix(2).map(\.tag))
    }

    @Test func `a message sealed with the previous key is opened, because senders learn of a new key later`() async throws {
        let publisher = ScriptedPublisher()
        _ = await SealingPublisher(publisher, sealing: ["users.sessions.create"]) { Self.key }.publish([Self.signIn])
        let queue = Queue(publisher.publications.map { delivered($0) })
        let new = SealingKey(derivedFrom: "new", for: "tests")
        #expect(try await OpeningConsumer(queue, keys: { [new, Self.key] }, logger: quiet).next(limit: 10).map(\.body) == [Self.signIn.body])
    }

    private let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
}

/// Hands out everything at once.
private final class Queue: MessageConsumer {
    private let state: Mutex<(waiting: [Delivery], acknowledged: [DeliveryTag])>

    init(_ deliveries: [Delivery]) { state = Mutex((deliveries, [])) }

    func next(limit: Int) async throws -> [Delivery] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    func acknowledge(_ tags: [DeliveryTag]) async { state.withLock { $0.acknowledged += tags } }
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async {}
    func stopConsuming() async {}
    var replyAddress: String? { get async { nil } }
    var acknowledged: [DeliveryTag] { state.withLock { $0.acknowledged } }
}
