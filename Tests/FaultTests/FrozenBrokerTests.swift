import AMQP
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Frozen broker` {
        @Test func `what a worker has committed while the broker stood still is told when it goes on, and counts once`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(50))
            var configuration = scene.configuration
            configuration.heartbeat = .seconds(1)
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene, configuration: configuration) { worker in
                await hold.arrived()
                await scene.freezeBroker()
                await hold.open()
                do {
                    // Of what had been delivered by then, which may not be everything.
                    try await eventually("An effect is committed", within: .seconds(60)) { try await scene.balance() > 0 }
                    try await eventually("The worker gives the connection up", within: .seconds(60)) { !worker.publisher.isConnected }
                } catch {
                    await scene.thawBroker()
                    throw error
                }
                await scene.thawBroker()
                let told = try await scene.told(50)
                #expect(Set(told.map(\.properties.messageID)).count == 50)
            }
            #expect(try await scene.balance() == 50)
        }
    }
}
