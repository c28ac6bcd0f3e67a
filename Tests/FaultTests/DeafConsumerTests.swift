import AMQP
import LocalServers
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Deaf consumers` {
        @Test func `an idle worker hears again after its queue was deleted and declared anew`() async throws {
            let scene = try await Scene()
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { worker in
                try await scene.send(Accounts.messages(1))
                _ = try await scene.told(1)
                try await scene.broker.management.send("DELETE", "/api/queues/\(scene.host)/\(Accounts.queue)")
                try await eventually("The consumer notices") { !worker.consumer.isConnected }
                try await scene.declareTopology()
                try await scene.send(Accounts.messages(1))
                _ = try await scene.told(1)
            }
            #expect(try await scene.balance() == 2)
        }

        @Test func `an idle worker hears again after the broker was stopped and started`() async throws {
            let scene = try await Scene()
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { worker in
                try await scene.send(Accounts.messages(1))
                _ = try await scene.told(1)
                do {
                    try await scene.broker.stopApp()
                } catch {
                    // The tests after this one have the same broker.
                    try await scene.broker.startApp()
                    throw error
                }
                try await scene.broker.startApp()
                try await scene.send(Accounts.messages(1))
                _ = try await scene.told(1)
            }
            #expect(try await scene.balance() == 2)
        }
    }
}
