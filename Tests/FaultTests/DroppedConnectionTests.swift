import AMQP
import Messaging
import Synchronization
import TestKit
import Testing

extension Faults {
    @Suite struct `Dropped connections` {
        /// Messages that are sent at a time, repeated until all of them are confirmed.
        private static let portion = 200
        /// Messages that the worker may lag behind: however long the broker takes to drop connections, the remaining work is bounded.
        private static let mostBehind = 1_000

        @Test func `connections dropped under load, in mid flush and with open confirms, lose no message and duplicate none`() async throws {
            let scene = try await Scene()
            let isOver = Switch()
            let count = try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                async let sent = Self.flood(scene) { isOver.isOn }
                for _ in 0..<3 { try await scene.dropConnections() }
                isOver.turnOn()
                let count = try await sent
                let received = try await scene.notices(count)
                #expect(Set(received.map(\.properties.messageID)).count == count)
                return count
            }
            #expect(try await scene.balance() == count)
        }

        /// Sends as fast as the worker keeps up, until stopped; unconfirmed messages are sent again under their ids.
        private static func flood(_ scene: Scene, until isOver: @escaping @Sendable () -> Bool) async throws -> Int {
            let publisher = Publisher(configuration: scene.configuration, logger: quiet)
            return try await running(publisher) {
                var count = 0
                while !isOver() {
                    var open = try Accounts.messages(portion)
                    count += open.count
                    while !open.isEmpty {
                        let outcomes = await publisher.publish(open)
                        open = zip(open, outcomes).filter { $0.1 != .confirmed }.map(\.0)
                    }
                    try await eventually("The worker keeps up", within: .seconds(60)) { try await scene.balance() >= count - mostBehind }
                }
                return count
            }
        }
    }
    private final class Switch: Sendable {
        private let state = Mutex(false)

        var isOn: Bool { state.withLock { $0 } }
        func turnOn() { state.withLock { $0 = true } }
    }
}
