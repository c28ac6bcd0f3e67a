import AMQP
import LocalServers
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Lost binding` {
        @Test func `without a binding to the receiver messages wait on the ladder, and arrive once it is bound again`() async throws {
            let scene = try await Scene()
            try await scene.unbind()
            try await scene.send(Accounts.messages(100))
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { worker in
                try await eventually("The broker returns what it cannot route") { worker.publisher.returnedCount > 0 }
                // Messages that come back from the ladder are returned again, so the count alone does not show that all were handled.
                try await eventually("All take effect") { try await scene.balance() == 100 }
                try await scene.declareTopology()
                _ = try await scene.notices(100)
            }
            #expect(try await scene.balance() == 100)
        }

        @Test func `commands past their deadline when their outputs can be routed have taken effect, and their outputs arrive`() async throws {
            let scene = try await Scene()
            let time = ShiftedTime()
            try await scene.unbind()
            try await scene.send(Accounts.messages(10, deadline: 30))
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene, clock: time) { worker in
                try await eventually("The broker returns what it cannot route") { worker.publisher.returnedCount > 0 }
                try await eventually("All take effect") { try await scene.balance() == 10 }
                time.advance(by: 60)
                try await scene.declareTopology()
                _ = try await scene.notices(10)
            }
            #expect(try await scene.balance() == 10)
        }

        @Test func `a binding that comes and goes under load loses no message`() async throws {
            let scene = try await Scene()
            try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                for _ in 0..<5 {
                    async let sent: Void = scene.send(Accounts.messages(200))
                    try await scene.unbind()
                    try await scene.declareTopology()
                    try await sent
                }
                _ = try await scene.notices(1_000)
            }
            #expect(try await scene.balance() == 1_000)
        }
    }
}

extension Scene {
    /// Removes the binding from the event to its receiver.
    func unbind() async throws {
        let binding = "/api/bindings/\(host)/e/\(Exchange.events)/q/\(Accounts.notices)/\(Accounts.event)"
        try await broker.management.send("DELETE", binding)
    }
}
