import FoundationEssentials
import Messaging
import PostgreSQL
import Testing

@testable import Payments
@testable import ServiceKit

@Suite struct PeriodicWorkTests {
    @Test func `one process has the turn, until it ends or its lease does`() async throws {
        let fixture = try await PaymentFixture()
        let (database, clock) = (fixture.harness.database, fixture.harness.clock)
        let work = PeriodicWork(name: "work", interval: 600)
        var first = try #require(try await work.take(at: clock.now(), on: database))
        #expect(first.position == nil && first.doneAt == nil)
        #expect(try await work.take(at: clock.now(), on: database) == nil)
        clock.advance(by: PeriodicWork.lease / 2)
        try await work.note("a", of: &first, at: clock.now(), on: database)
        clock.advance(by: PeriodicWork.lease / 2)
        #expect(try await work.take(at: clock.now(), on: database) == nil, "the lease was renewed")
        clock.advance(by: PeriodicWork.lease / 2)
        let second = try #require(try await work.take(at: clock.now(), on: database))
        #expect(second.position == "a", "the process has died: another one goes on where it was")
        await #expect(throws: Failure.self, "it was only slow") { try await work.note("b", of: &first, at: clock.now(), on: database) }
        await #expect(throws: Failure.self) { try await work.end("old", of: first, at: clock.now(), on: database) }
        try await work.end("result", of: second, at: clock.now(), on: database)
        #expect(try await work.take(at: clock.now().addingTimeInterval(599), on: database) == nil, "it is not due")
        let next = try await work.take(at: clock.now().addingTimeInterval(600), on: database)
        #expect(next?.position == "a" && next?.doneAt == clock.now())
        #expect(try await work.result(on: database) == "result")
        await database.close()
    }
}
