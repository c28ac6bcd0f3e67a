import AMQP
import LocalServers
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Acknowledgement timeout` {
        @Test func `a message that is handled for longer than the acknowledgement timeout counts once, and its worker goes on`() async throws {
            let scene = try await Scene()
            try await scene.setAcknowledgementTimeout(milliseconds: 1_000, lookingEvery: 200)
            do {
                try await scene.send(Accounts.messages(1))
                let hold = Hold()
                try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { worker in
                    await hold.arrived()
                    try await eventually("The broker gives up waiting") { !worker.consumer.isConnected }
                    await hold.open()
                    try await eventually("The consumer is back") { worker.consumer.isConnected }
                    try await scene.send(Accounts.messages(1, to: "b"))
                    _ = try await scene.notices(2)
                }
                #expect(try await scene.balance() == 1)
                #expect(try await scene.balance("b") == 1)
            } catch {
                try await scene.setAcknowledgementTimeout(milliseconds: 1_800_000, lookingEvery: 60_000)
                throw error
            }
            try await scene.setAcknowledgementTimeout(milliseconds: 1_800_000, lookingEvery: 60_000)
        }
    }
}

extension Scene {
    /// For connections made from now on. The defaults are 30 and 1 minutes.
    fileprivate func setAcknowledgementTimeout(milliseconds: Int, lookingEvery interval: Int) async throws {
        let settings = [("consumer_timeout", milliseconds), ("channel_tick_interval", interval)]
        let calls = settings.map { "application:set_env(rabbit, \($0), \($1))" }
        try await broker.ctl(["eval", calls.joined(separator: ", ") + "."])
    }
}
