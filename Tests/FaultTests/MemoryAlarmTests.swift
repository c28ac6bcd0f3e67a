import AMQP
import LocalServers
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Memory alarm` {
        @Test func `messages whose outputs cannot be sent are held, not returned until the broker dead-letters them`() async throws {
            let scene = try await Scene()
            // Two deliveries, and a third is a dead letter.
            try await scene.setPolicy(
                "impatient", on: "^\(Accounts.queue)$",
                #"{"delivery-limit": 1, "dead-letter-exchange": "dead-letters", "dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}"#)
            try await scene.send(Accounts.messages(10))
            let (hold, time) = (Hold(), ShiftedTime())
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene, clock: time) { worker in
                await hold.arrived()
                try await scene.setMemoryLimit("0.000001")
                do {
                    await hold.open()
                    try await eventually("The effect is committed") { try await scene.balance() == 10 }
                    try await eventually("Its outputs have been turned away", within: .seconds(60)) { worker.publisher.isBlocked && time.sleeps >= 5 }
                } catch {
                    try await scene.setMemoryLimit(Scene.standardMemoryLimit)
                    throw error
                }
                try await scene.setMemoryLimit(Scene.standardMemoryLimit)
                _ = try await scene.notices(10)
            }
            #expect(try await scene.balance() == 10)
            #expect(try await scene.broker.ctl(["list_queues", "--vhost", scene.host, "--silent", "name", "messages"]).contains("dead-letters\t0"))
        }
    }
}

extension Scene {
    /// RabbitMQ's own default: the share of the machine's memory from which on it accepts no publications.
    fileprivate static let standardMemoryLimit = "0.4"

    fileprivate func setMemoryLimit(_ share: String) async throws {
        try await broker.ctl(["set_vm_memory_high_watermark", share])
    }
}
