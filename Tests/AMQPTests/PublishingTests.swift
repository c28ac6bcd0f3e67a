import Logging
import Synchronization
import Testing

@testable import AMQP

extension BrokerTests {
    @Suite struct PublishingTests {
        @Test func `every property and every kind of header arrives as it was sent`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                let properties = Properties(
                    messageID: "m-1", correlationID: "c-1", replyTo: "r", type: "t", contentType: "application/json",
                    contentEncoding: "identity", appID: "app", userID: "guest", expiration: 60_000, timestamp: 1_700_000_000,
                    persistent: true, priority: 4,
                    headers: [
                        "text": "grüße 🌊", "empty": "", "integer": .integer(.min), "double": .double(0.25), "yes": true,
                        "bytes": .bytes([0, 255, 1]), "time": .timestamp(1_700_000_001), "null": .null,
                        "array": .array(["a", 2, .array([.null])]), "table": .table(["k": .table(["deep": 1])]),
                    ]
                )
                let sent = Publication(exchange: "", routingKey: queue, properties: properties, body: Array("hello".utf8))
                #expect(await publisher.publish([sent]) == [.confirmed])
                let delivery = try #require(try await consumer.next(limit: 10).first)
                #expect(delivery.properties == properties)
                #expect(delivery.text == "hello")
                #expect(delivery.exchange == "")
                #expect(delivery.routingKey == queue)
                #expect(!delivery.redelivered)
                await consumer.acknowledge([delivery.tag])
            }
        }

        @Test(arguments: [0, 1, 131_064, 131_065, 3_000_000])
        func `a body of any size arrives whole`(size: Int) async throws {
            try await withQueue { publisher, consumer, _, queue in
                let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let sent = Publication(exchange: "", routingKey: queue, body: body)
                #expect(await publisher.publish([sent]) == [.confirmed])
                let delivery = try await consumer.next(limit: 1).first
                #expect(delivery?.body == body)
            }
        }

        @Test func `5,000 publications past the window are all confirmed, in order`() async throws {
            try await withQueue(prefetch: 1_000, window: 300) { publisher, consumer, _, queue in
                let received = Task {
                    var texts: [String] = []
                    while texts.count < 5_000 {
                        let deliveries = try await consumer.next(limit: 500)
                        texts += deliveries.map(\.text)
                        await consumer.acknowledge(deliveries.map(\.tag))
                    }
                    return texts
                }
                let outcomes = await publisher.publish((0..<5_000).map { message("\($0)", to: queue) })
                #expect(outcomes.count == 5_000)
                #expect(outcomes.areConfirmed)
                let texts = try await received.value
                #expect(texts == (0..<5_000).map { "\($0)" })
            }
        }

        @Test func `only a message that no queue accepts is returned`() async throws {
            try await withQueue { publisher, _, _, queue in
                let outcomes = await publisher.publish(
                    (0..<300).map { index in
                        message("same", to: index % 3 == 1 ? "tests.nowhere" : queue)
                    })
                for (index, outcome) in outcomes.enumerated() {
                    #expect(outcome == (index % 3 == 1 ? .returned(code: 312, reason: "NO_ROUTE") : .confirmed))
                }
                #expect(publisher.returnedCount == 100)
            }
        }

        @Test func `a message that is not mandatory is confirmed even if no queue accepts it`() async throws {
            try await withQueue { publisher, _, _, _ in
                var lost = message("x", to: "tests.nowhere")
                lost.mandatory = false
                #expect(await publisher.publish([lost]) == [.confirmed])
            }
        }

        @Test func `a full queue that rejects publications refuses them`() async throws {
            let full: [String: FieldValue] = ["x-max-length": 1, "x-overflow": "reject-publish"]
            let broker = try await TestBroker.shared.value
            let queue = try await Topology(broker.configuration).queue(arguments: full)
            let publisher = try Publisher(configuration: broker.configuration, logger: quiet)
            try await running(publisher) {
                let outcomes = await publisher.publish((0..<50).map { message("\($0)", to: queue) })
                #expect(outcomes.first == .confirmed)
                #expect(outcomes.last == .refused)
                // The broker may let a message more than the bound through.
                let refusals = outcomes.filter { $0 == .refused }
                #expect(refusals.count >= 47)
            }
        }

        @Test func `a message that AMQP does not allow fails alone`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                var bad = message("bad", to: queue)
                bad.properties.messageID = String(repeating: "x", count: 256)
                let outcomes = await publisher.publish([message("a", to: queue), bad, message("b", to: queue)])
                #expect(outcomes[0] == .confirmed)
                #expect(outcomes[1].failure == .invalidMessage)
                #expect(outcomes[2] == .confirmed)
                let received = try await consumer.collect(2)
                #expect(received.map(\.text) == ["a", "b"])
            }
        }

        @Test func `headers up to the bound fit into the frame`() async throws {
            try await withQueue { publisher, consumer, _, queue in
                var large = message("x", to: queue)
                large.properties.headers = ["h": .string(String(repeating: "x", count: 119_980))]
                #expect(await publisher.publish([large]) == [.confirmed])
                let received = try await consumer.next(limit: 1)
                #expect(received.first?.properties.headers == large.properties.headers)
            }
        }

        @Test func `an exchange that does not exist fails the publications under way, and the publisher goes on`() async throws {
            try await withQueue { publisher, _, _, queue in
                let wrong = Publication(exchange: "tests.none", routingKey: "x", body: [])
                #expect(await publisher.publish([wrong]).first?.failure == .notFound)
                #expect(await publisher.publish([message("x", to: queue)]) == [.confirmed])
            }
        }

        @Test func `without confirms the outcome follows the write, and returns are reported and counted`() async throws {
            let broker = try await TestBroker.shared.value
            let returned = Mutex<[ReturnedMessage]>([])
            let publisher = try Publisher(configuration: broker.configuration, confirms: false, window: 10, logger: quiet) { message in
                returned.withLock { $0.append(message) }
            }
            try await running(publisher) {
                let outcomes = await publisher.publish((0..<100).map { message("\($0)", to: "tests.nowhere", id: "\($0)") })
                #expect(outcomes == Array(repeating: .confirmed, count: 100))
                try await eventually("all are returned") { publisher.returnedCount == 100 }
                let messages = returned.withLock { $0 }
                #expect(messages.map(\.properties.messageID) == (0..<100).map { "\($0)" })
                #expect(messages.first?.body == Array("0".utf8))
            }
        }

        @Test func `publications before the first connection wait for it`() async throws {
            let broker = try await TestBroker.shared.value
            let queue = try await Topology(broker.configuration).queue()
            let publisher = try Publisher(configuration: broker.configuration, logger: quiet)
            let early = Task { await publisher.publish([message("x", to: queue)]) }
            try await running(publisher) {
                #expect(await early.value == [.confirmed])
            }
        }

        @Test func `many publishers at once all get their own outcomes`() async throws {
            try await withQueue { publisher, _, _, queue in
                let isRight = await withTaskGroup(of: Bool.self) { group in
                    for index in 0..<500 {
                        group.addTask {
                            let routed = index.isMultiple(of: 2)
                            let outcome = await publisher.publish([message("\(index)", to: routed ? queue : "tests.nowhere", id: "\(index)")])
                            return outcome == [routed ? .confirmed : .returned(code: 312, reason: "NO_ROUTE")]
                        }
                    }
                    return await group.allSatisfy { $0 }
                }
                #expect(isRight)
            }
        }
    }
}
