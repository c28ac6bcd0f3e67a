import AMQP
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Killer message` {
        /// The topology's delivery limit is 20: the twenty-first crash is the last one.
        private static let deaths = 21
        private static let neighbours = 40

        @Test func `a message that kills every worker ends as a dead letter, and its neighbours in the prefetch are handled once`() async throws {
            let scene = try await Scene()
            let killer = try Accounts.messages(1, to: "killer")
            try await scene.send(try Accounts.messages(Self.neighbours / 2) + killer + Accounts.messages(Self.neighbours / 2))
            for _ in 0..<Self.deaths {
                let hold = Hold()
                let worker = try await WorkerProcess(
                    Accounts.definition { entry in
                        guard entry.account == "killer" else { return }
                        await hold.arrive()
                        throw CancellationError()
                    }, in: scene)
                await hold.arrived()
                try await worker.kill()
                await hold.open()
                await worker.buried()
            }
            let dead = try await scene.take(from: "dead-letters") { !$0.isEmpty }
            #expect(dead.map(\.properties.messageID) == killer.map(\.properties.messageID))
            #expect(dead.first?.properties.headers["x-first-death-reason"] == "delivery_limit")
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                _ = try await scene.notices(Self.neighbours)
            }
            #expect(try await scene.balance() == Self.neighbours)
            #expect(try await scene.balance("killer") == 0)
        }
    }
}
