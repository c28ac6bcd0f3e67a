import AMQP
import LocalServers
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Deaf consumers` {
        @Test func `an idle worker receives again after its queue was deleted and redeclared`() async throws {
            let scene = try await Scene()
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { worker in
                try await scene.send(Accounts.messages(1))
                _ = try await scene.notices(1)
                try await scene.broker.management.send("DELETE", "/api/queues/\(scene.host)/\(Accounts.queue)")
                try await eventually("The consumer notices") { !worker.consumer.isConnected }
                try await scene.declareTopology()
                try await scene.send(Accounts.messages(1))
                _ = try await scene.notices(1)
            }
            #expect(try await scene.balance() == 2)
        }

        @Test func `an idle worker receives again after the broker was stopped and started`() async throws {
            let scene = try await Scene()
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { worker in
                try await scene.send(Accounts.messages(1))
                _ = try await scene.notices(1)
                do {
                    try await scene.broker.stopApp()
                } catch {
                    // Later tests share the broker.
                    try await scene.broker.startApp()
                    throw error
                }
                try await scene.broker.startApp()
                try await scene.send(Accounts.messages(1))
                _ = try await scene.notices(1)
            }
            #expect(try await scene.balance() == 2)
        }
    }
}
