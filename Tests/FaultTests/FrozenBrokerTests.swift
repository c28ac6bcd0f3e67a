import AMQP
import FoundationEssentials
import IOThreads
import Messaging
import PostgreSQL
import TestKit
import Testing

extension Faults {
    @Suite struct `Frozen broker` {
        @Test func `outputs committed while the broker was frozen are sent when it resumes, and count once`() async throws {
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
                    // Those delivered by then, which may not be all.
                    try await eventually("An effect is committed", within: .seconds(60)) { try await scene.balance() > 0 }
                    try await eventually("The worker gives the connection up", within: .seconds(60)) { !worker.publisher.isConnected }
                } catch {
                    await scene.thawBroker()
                    throw error
                }
                await scene.thawBroker()
                let received = try await scene.notices(50)
                #expect(Set(received.map(\.properties.messageID)).count == 50)
            }
            #expect(try await scene.balance() == 50)
        }

        /// For a worker, whose connections share one thread: nothing on it waits for the broker, so that the database is not blamed for delays.
        @Test func `database queries keep their usual pace while connections to the broker are lost and retried`() async throws {
            let scene = try await Scene()
            let thread = try IOThread(named: "worker")
            let database = try PostgresPool(url: scene.databaseURL, size: 1, on: thread, logger: quiet)
            var configuration = scene.configuration
            configuration.heartbeat = .seconds(1)
            configuration.connectTimeout = Self.connectTimeout
            let publisher = Publisher(configuration: configuration, on: thread, logger: quiet)
            let consumer = Consumer(configuration: configuration, source: .exclusive(prefix: nil, bindings: []), prefetch: 1, on: thread, logger: quiet)
            try await running(publisher) {
                try await running(consumer) {
                    try await eventually("Both connections are up", within: .seconds(60)) { publisher.isConnected && consumer.isConnected }
                    await scene.freezeBroker()
                    do {
                        try await eventually("Both are given up", within: .seconds(60)) { !publisher.isConnected && !consumer.isConnected }
                        // Long enough for several attempts, each of which waits for the frozen broker's greeting.
                        #expect(try await Self.slowest(database, for: Self.connectTimeout * 3) < Self.connectTimeout / 2)
                    } catch {
                        await scene.thawBroker()
                        throw error
                    }
                    await scene.thawBroker()
                    try await eventually("Both come back", within: .seconds(60)) { publisher.isConnected && consumer.isConnected }
                }
            }
            await database.close()
        }

        private static let connectTimeout = Duration.seconds(4)

        /// The longest that one statement of many took.
        private static func slowest(_ database: PostgresPool, for time: Duration) async throws -> Duration {
            let clock = ContinuousClock()
            let end = clock.now + time
            var slowest = Duration.zero
            while clock.now < end {
                slowest = max(slowest, try await clock.measure { _ = try await database.withConnection { try await $0.query("SELECT 1").count } })
            }
            return slowest
        }
    }
}
