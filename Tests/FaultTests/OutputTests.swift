import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Outputs` {
        @Test func `outputs that were committed and never sent are sent by the worker that gets the message next`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(20))
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { worker in
                await hold.arrived()
                await worker.losePublisher()
                await hold.open()
                try await eventually("The effect is committed") { try await scene.balance() == 20 }
            }
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                _ = try await scene.notices(20)
            }
            #expect(try await scene.balance() == 20)
        }
    }
}
