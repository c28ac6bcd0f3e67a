import AMQP
import Contracts
import FoundationEssentials
import Testing

@testable import Messaging

@Suite struct `Messages that anybody may have written` {
    private func delivery(_ headers: [String: FieldValue]) -> Delivery {
        Delivery(
            tag: DeliveryTag(generation: 1, number: 1), exchange: "", routingKey: "q", redelivered: false,
            properties: Properties(messageID: UUID().uuidString, type: "a.b", headers: headers), body: [])
    }

    @Test(arguments: [Int64.max, .min, -1, 253_402_300_800_000])
    func `an impossible time is ignored`(milliseconds: Int64) throws {
        let failure: FieldValue = .table(["at": .integer(milliseconds), "worker": .string("w"), "cause": .string("c"), "detail": .string("d")])
        let request = try Request(delivery(["deadline": .integer(milliseconds), "failures": .array([failure])]))
        #expect(request.deadline == nil)
        #expect(request.failures == [])
    }

    @Test func `a replay says that it is one, which is no part of the message`() throws {
        let failed = FailedMessage(messageID: UUID().uuidString, operation: "a.b", headers: ["replay": "true", "traceparent": "t"], body: [])
        #expect(failed.headers == ["traceparent": "t"])
        let sent = failed.publication(to: "q")
        #expect(try Request(delivery(sent.properties.headers)).isReplay)
        #expect(try !Request(delivery([:])).isReplay)
    }

    @Test func `an attempt count past all bounds is the end of the ladder`() throws {
        let delivery = delivery(["attempt": .integer(.max)])
        let request = try Request(delivery)
        let aside = FailureRouting(ladder: .standard, worker: "w", randomness: CountingRandomness())
        let publication = aside.publication(
            of: delivery, attempt: request.attempt, failures: request.failures, failure: Failure("c", "d", remedy: .retry), queue: "q", now: Date())
        #expect(publication.exchange == Exchange.deadLetters)
    }
}
