import AMQP
import Messaging
import TestKit
import Testing

extension Faults {
    @Suite struct `Stalled worker` {
        @Test func `a worker that stalls in its transaction keeps its message; the worker that gets it next sends the outputs`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(10))
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { stalled in
                await hold.arrived()
                await stalled.loseConsumer()
                await stalled.losePublisher()
                try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                    await hold.open()
                    _ = try await scene.notices(10)
                }
            }
            #expect(try await scene.balance() == 10)
        }

        @Test func `a worker that resumes after another has handled its messages has no effect, and sends nothing new`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(10))
            let hold = Hold()
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { stalled in
                await hold.arrived()
                await stalled.loseConsumer()
                try await stalled.loseDatabase()
                let received = try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in try await scene.notices(10) }
                await hold.open()
                // It finds its transaction gone, asks the inbox, and sends the outputs of the other worker again, as far as it had the messages in its batch.
                let again = try await scene.notices(1)
                #expect(Set(again.map(\.properties.messageID)).isSubset(of: received.map(\.properties.messageID)))
            }
            #expect(try await scene.balance() == 10)
        }

        /// To PostgreSQL a process that has been stopped, or whose machine has lost power, looks like this: it holds its locks, and sends nothing more.
        @Test func `a worker that is stopped inside its transaction holds up another for no longer than 15 seconds, and nothing is lost`() async throws {
            let scene = try await Scene()
            try await scene.send(Accounts.messages(2))
            let hold = Hold()
            // One row is written, and so the account's row is locked; the transaction stays open.
            let stopsAtSecond = Accounts.definition { [arrivals = Arrivals()] _ in
                if await arrivals.next() == 2 { await hold.arrive() }
            }
            try await WorkerProcess.with(stopsAtSecond, in: scene, limits: WorkerLimits(batch: 2, lanes: 1)) { _ in
                await hold.arrived()
                // The stopped worker gets two of these, which it finds when it resumes.
                try await scene.send(Accounts.messages(12))
                let start = ContinuousClock.now
                try await WorkerProcess.with(Accounts.definition { _ in }, in: scene) { _ in
                    _ = try await scene.notices(10)
                    #expect(.now - start < .seconds(15))
                }
                await hold.open()
                _ = try await scene.notices(4)
            }
            #expect(try await scene.balance() == 14)
        }
    }
}

private actor Arrivals {
    private var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}
