import AMQP
import FoundationEssentials
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Republished x-death` {
        @Test func `the broker's history of an earlier death neither stops a message on the ladder nor is sent on with it`() async throws {
            let scene = try await Scene()
            var message = try #require(try Accounts.messages(1).first)
            let death: FieldValue = .table([
                "reason": "expired", "queue": "retry.1s.a", "exchange": "retry.1s.a", "count": 1, "routing-keys": .array([.string(Accounts.queue)]),
                "time": .timestamp(1_780_000_000),
            ])
            message.properties.headers["x-death"] = .array([death])
            message.properties.headers["x-first-death-queue"] = "retry.1s.a"
            try await scene.send([message])
            let attempts = Attempts()
            let definition = Accounts.definition { _ in
                switch await attempts.next() {
                case 1: throw Failure("not-now", "try again", remedy: .retry)
                default: throw Failure("never", "cannot be handled")
                }
            }
            try await WorkerProcess.with(definition, in: scene) { _ in
                let dead = try #require(try await scene.take(from: "dead-letters") { !$0.isEmpty }.first)
                #expect(await attempts.count == 2)
                #expect(dead.properties.headers["cause"] == "never")
                #expect(dead.properties.headers["attempt"] == 2)
                #expect(!dead.properties.headers.keys.contains { $0.hasPrefix("x-") && $0 != "x-delivery-count" })
            }
        }
    }

    private actor Attempts {
        private(set) var count = 0

        func next() -> Int {
            count += 1
            return count
        }
    }
}
