import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging

@Suite struct BundleTests {
    private func id(_ number: UInt8) -> UUID {
        UUID(uuid: (number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    }

    private func publication(_ number: UInt8, to operation: String = "orders.checkouts.advance", bytes: Int = 10) -> Publication {
        var request = Request(id: id(number), operation: operation, body: Array(repeating: UInt8(ascii: "\""), count: bytes))
        request.caller = Caller(id: id(number), role: .customer, email: "c@wharf.example")
        request.requester = Requester(replyTo: "replies", correlationID: "c\(number)")
        request.traceparent = "trace \(number)"
        return request.publication(durability: .durable, now: Date(timeIntervalSince1970: 1_800_000_000))
    }

    @Test func `bundled messages arrive as they were sent`() throws {
        let publications = (1...5).map { publication($0) }
        let packed = Bundle.pack(publications)
        #expect(packed.count == 1)
        #expect(packed.first?.places == [0, 1, 2, 3, 4])
        let bundle = try #require(packed.first?.publication)
        #expect(bundle.routingKey == "orders.checkouts.advance" && bundle.mandatory && bundle.properties.persistent)
        let opened = Bundle.open(Ledger.delivery(bundle, tag: 7))
        #expect(opened == publications.map { Ledger.delivery($0, tag: 7) })
    }

    @Test func `queries are bundled until the last of them expires, each with its own deadline and any bytes`() throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let queries = [5.0, 9, 2].enumerated().map { place, seconds in
            var request = Request(id: id(UInt8(place)), operation: "catalog.products.get", parameters: ["id": "å\u{0}"], body: [0, 255, UInt8(place)])
            request.deadline = now.addingTimeInterval(seconds)
            request.requester = Requester(replyTo: "replies", correlationID: "c\(place)", opensBundles: true)
            return request.publication(durability: .query, now: now)
        }
        let bundle = try #require(Bundle.pack(queries).first?.publication)
        #expect(bundle.properties.expiration == 9_000 && !bundle.properties.persistent)
        let opened = Bundle.open(Ledger.delivery(bundle, tag: 1))
        #expect(opened.map(\.properties.headers) == queries.map(\.properties.headers))
        #expect(opened.map(\.body) == queries.map(\.body))
        #expect(try opened.map { try Request($0).requester } == (0..<3).map { Requester(replyTo: "replies", correlationID: "c\($0)", opensBundles: true) })
    }

    /// Sends two requests on for each message.
    private static let forwarding = Operation.command("ledger.add", reading: Operation.contract(Ledger.Entry.self)) { items, _ in
        try items.map { item in
            let messages = try (1...2).map { _ in try OutgoingMessage(.request("ledger.note"), item.input) }
            return .done(try Reply(status: 201, json: item.input), emit: messages)
        }
    }

    @Test func `of a bundle that was not sent every input is set aside`() async throws {
        let ledger = try await Ledger(answer: { $0.exchange == Exchange.requests ? .refused : .confirmed })
        let deliveries = try (1...3).map { try ledger.delivery(.init(account: "a", amount: 1), id: id(UInt8($0)), tag: UInt64($0)) }
        await ledger.processor([Self.forwarding]).process(deliveries)
        let setAside = ledger.publisher.publications.filter { $0.exchange.hasPrefix("retry.") }
        #expect(Set(setAside.compactMap(\.properties.messageID)) == Set(deliveries.compactMap(\.properties.messageID)))
        await ledger.database.close()
    }

    @Test func `outputs of one message have ids of their own`() async throws {
        let ledger = try await Ledger()
        await ledger.processor([Self.forwarding]).process([try ledger.delivery(.init(account: "a", amount: 1), id: id(1), tag: 1)])
        #expect(Set(ledger.sent.compactMap(\.properties.messageID)).count == 2)
        await ledger.database.close()
    }

    @Test func `a bundle of which one message is released is never acknowledged`() {
        var acknowledgements = Acknowledgements()
        let tag = DeliveryTag(generation: 1, number: 1)
        acknowledgements.expect(3, of: tag)
        #expect(acknowledgements.done([tag]) == [])
        #expect(acknowledgements.release([tag, tag]) == [tag])
        #expect(acknowledgements.done([tag]) == [])
        #expect(acknowledgements.done([tag]) == [])
    }

    @Test func `only a receiver that opens bundles is answered with one`() async throws {
        let ledger = try await Ledger()
        let deliveries = try (1...6 as ClosedRange<UInt8>).map { number in
            var request = Request(id: id(number), operation: "ledger.add", body: try JSON.encode(Ledger.Entry(account: "a", amount: 1)))
            request.requester = Requester(replyTo: number < 5 ? "replies.one" : "replies.another", correlationID: "c\(number)", opensBundles: number != 4)
            return Ledger.delivery(request.publication(durability: .command, now: .now), tag: UInt64(number))
        }
        await ledger.processor().process(deliveries)
        let sent = ledger.replies.publications
        #expect(sent.map(\.routingKey) == ["replies.one", "replies.another", "replies.one"])
        let opened = sent.map { Bundle.open(Ledger.delivery($0, tag: 1)) }
        #expect(opened.map { $0.map(\.properties.correlationID) } == [["c1", "c2", "c3"], ["c5", "c6"], ["c4"]])
        #expect(opened.joined().allSatisfy { Reply($0).status == 201 })
        await ledger.database.close()
    }

    @Test func `only messages for one destination are bundled, within bounds, and every message is sent`() {
        let small = (0..<120).map { publication(UInt8($0), to: $0 % 2 == 0 ? "a" : "b") }
        let large = [publication(200, to: "a", bytes: Bundle.maximumBytes), publication(201, to: "a", bytes: Bundle.maximumBytes + 1)]
        var query = publication(202, to: "a")
        query.properties.persistent = false
        var broadcast = publication(203, to: "a")
        broadcast.mandatory = false
        let publications = small + large + [query, broadcast]
        let packed = Bundle.pack(publications)
        #expect(packed.flatMap(\.places).sorted() == Array(publications.indices))
        for (bundle, places) in packed {
            #expect(places.count <= Bundle.maximumMessages)
            #expect(Set(places.map { publications[$0].routingKey }) == [bundle.routingKey])
            #expect(places.count == 1 || places.reduce(0) { $0 + publications[$1].body.count } <= Bundle.maximumBytes)
        }
        #expect(packed.filter { $0.places.count > 1 }.count == 4)
    }

    /// Nothing; no field; a field without end; a message without body; a value without name; a name without value; a number of one byte; names that are
    /// not UTF-8; one message too many.
    @Test(
        arguments: [
            [], [9], [0, 0, 0, 0, 1], [1, 0, 0, 0, 1, 65], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 1, 65, 0, 0, 0, 0, 0],
            [4, 0, 0, 0, 1, 65, 6, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], [4, 0, 0, 0, 1, 255, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [UInt8](repeating: 0, count: 5 * (Bundle.maximumMessages + 1)),
        ] as [[UInt8]])
    func `a message that only claims to be a bundle is handled as it is`(body: [UInt8]) {
        var publication = publication(1)
        publication.properties.contentType = Bundle.contentType
        publication.body = body
        let delivery = Ledger.delivery(publication, tag: 1)
        #expect(Bundle.open(delivery) == [delivery])
    }

    /// A delivery of one bundle with these entries.
    private func bundle(_ entries: [Ledger.Entry], tag: UInt64, deliveries: Int = 0) throws -> Delivery {
        let publications = try entries.enumerated().map { place, entry in
            Request(id: id(UInt8(place + 1)), operation: "ledger.add", body: try JSON.encode(entry)).publication(durability: .durable, now: .now)
        }
        var bundle = try #require(Bundle.pack(publications).first?.publication)
        if deliveries > 0 { bundle.properties.headers["x-delivery-count"] = .integer(Int64(deliveries)) }
        return Ledger.delivery(bundle, tag: tag)
    }

    @Test func `each message of a bundle is handled once, and a failing one waits by itself`() async throws {
        let ledger = try await Ledger()
        let entries = [("a", 1), ("poison", 1), ("a", 2), ("later", 1)].map { Ledger.Entry(account: $0, amount: $1) }
        for tag in 1...2 as ClosedRange<UInt64> { await ledger.processor().process([try bundle(entries, tag: tag)]) }
        #expect(try await ledger.balance("a") == 3)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1, 2])
        let first = ledger.sent.filter { $0.exchange != Exchange.events }.prefix(2)
        #expect(Set(first.map(\.exchange)) == [Exchange.deadLetters, "retry.1s.a"] || Set(first.map(\.exchange)) == [Exchange.deadLetters, "retry.1s.b"])
        #expect(Set(first.compactMap(\.properties.messageID)) == [id(2).uuidString, id(4).uuidString])
        await ledger.database.close()
    }

    @Test func `a bundle with more messages than a transaction takes is acknowledged after the last`() async throws {
        let ledger = try await Ledger()
        let bundles = try (0..<3 as Range<UInt64>).map { number in
            let publications = try (0..<50).map { place in
                Request(id: id(UInt8(Int(number) * 50 + place)), operation: "ledger.add", body: try JSON.encode(Ledger.Entry(account: "a", amount: 1)))
                    .publication(durability: .durable, now: .now)
            }
            return Ledger.delivery(try #require(Bundle.pack(publications).first?.publication), tag: number)
        }
        await ledger.processor().process(bundles)
        #expect(try await ledger.balance("a") == 150)
        #expect(ledger.consumer.acknowledged.map(\.number) == [0, 1, 2])
        await ledger.database.close()
    }

    @Test func `a bundle with outputs that could not be sent is redelivered whole`() async throws {
        let ledger = try await Ledger { publication in
            publication.exchange == Exchange.events ? .confirmed : .failed(AMQPError(.connectionLost, "gone", isTransient: true))
        }
        let entries = [("a", 1), ("later", 1)].map { Ledger.Entry(account: $0, amount: $1) }
        await ledger.processor().process([try bundle(entries, tag: 1)])
        #expect(ledger.consumer.acknowledged.isEmpty)
        #expect(ledger.consumer.released.map(\.number) == [1])
        await ledger.database.close()
    }

    @Test func `a bundle that keeps being redelivered is split before any of it is retried`() async throws {
        let ledger = try await Ledger()
        let entries = (1...3).map { Ledger.Entry(account: "a", amount: $0) }
        await ledger.processor().process([try bundle(entries, tag: 1, deliveries: BatchProcessor.suspectAfter)])
        #expect(try await ledger.balance("a") == nil)
        #expect(ledger.consumer.acknowledged.map(\.number) == [1])
        let sent = ledger.publisher.publications
        #expect(sent.map(\.properties.messageID) == (1...3).map { id($0).uuidString })
        #expect(sent.allSatisfy { $0.exchange.hasPrefix("retry.1s.") && $0.routingKey == "ledger.commands" && $0.properties.headers.isEmpty })
        await ledger.database.close()
    }

    @Test func `a bundle of a version that only newer workers know climbs the ladder whole, and ends as a dead letter unchanged`() async throws {
        let ledger = try await Ledger()
        var publication = publication(1)
        publication.properties.contentType = Bundle.contentType + ".v2"
        publication.properties.messageID = nil
        publication.body = [0xFF, 0x00, 0x02]
        var delivery = Ledger.delivery(publication, tag: 1)
        var exchanges: [String] = []
        for attempt in 1...RetryLadder.standard.maximumAttempts {
            await ledger.processor().process([delivery])
            let next = try #require(ledger.publisher.publications.last)
            exchanges.append(next.exchange)
            #expect(next.properties.contentType == publication.properties.contentType)
            #expect(next.body == publication.body)
            delivery = Ledger.delivery(next, tag: UInt64(attempt + 1))
        }
        #expect(exchanges == ["1s", "5s", "30s", "2m", "10m", "10m", "10m"].map { "retry.\($0).a" } + [Exchange.deadLetters])
        #expect(delivery.properties.headers[HeaderName.cause] == .string("unknown-bundle"))
        #expect(ledger.consumer.acknowledged.count == RetryLadder.standard.maximumAttempts)
        await ledger.database.close()
    }

    @Test func `messages of a bundle that was set aside whole keep its annotations, and their own deadlines and callers`() throws {
        let publications = (1...2).map { publication($0) }
        var bundle = try #require(Bundle.pack(publications).first?.publication)
        bundle.properties.headers = [
            HeaderName.attempt: .integer(3), HeaderName.origin: .string("orders.commands"), HeaderName.cause: .string("unknown-bundle"),
            HeaderName.deadline: .integer(1), HeaderName.caller: .string("nobody"), "x-death": .array([]),
        ]
        for (message, publication) in zip(Bundle.open(Ledger.delivery(bundle, tag: 1)), publications) {
            var expected = publication.properties.headers
            expected[HeaderName.attempt] = .integer(3)
            expected[HeaderName.origin] = .string("orders.commands")
            expected[HeaderName.cause] = .string("unknown-bundle")
            expected["x-death"] = .array([])
            #expect(message.properties.headers == expected)
        }
    }
}
