import AMQP
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Stalled worker` {
        @Test func `a worker that stalls in its transaction keeps its message to itself; the one who has it by then sends the outputs`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(10))
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { stalled in
                await hold.arrived()
                await stalled.loseConsumer()
                await stalled.losePublisher()
                try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                    await hold.open()
                    _ = try await scene.told(10)
                }
            }
            #expect(try await scene.balance() == 10)
        }

        @Test func `a worker that comes back after another has handled its messages has no effect, and says nothing new`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(10))
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { stalled in
                await hold.arrived()
                await stalled.loseConsumer()
                try await stalled.loseDatabase()
                let told = try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in try await scene.told(10) }
                await hold.open()
                // It finds its transaction gone, asks the inbox, and tells what the other has told.
                let again = try await scene.told(10)
                #expect(Set(again.map(\.properties.messageID)) == Set(told.map(\.properties.messageID)))
            }
            #expect(try await scene.balance() == 10)
        }
    }
}
