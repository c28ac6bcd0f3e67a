import FoundationEssentials
import PostgreSQL
import Testing

@testable import Payments
@testable import ServiceKit

@Suite struct PeriodicWorkTests {
    @Test func `one process has the turn, until it ends or its lease does`() async throws {
        let fixture = try await PaymentFixture()
        let (database, clock) = (fixture.harness.database, fixture.harness.clock)
        let work = PeriodicWork(name: "work", interval: 600)
        #expect(try await work.take(at: clock.now(), on: database) == PeriodicWork.Turn())
        #expect(try await work.take(at: clock.now(), on: database) == nil)
        clock.advance(by: PeriodicWork.lease / 2)
        try await work.note("a", at: clock.now(), on: database)
        clock.advance(by: PeriodicWork.lease / 2)
        #expect(try await work.take(at: clock.now(), on: database) == nil, "the lease was renewed")
        clock.advance(by: PeriodicWork.lease / 2)
        #expect(try await work.take(at: clock.now(), on: database)?.position == "a", "the process has died: another one goes on where it was")
        try await work.end("result", at: clock.now(), on: database)
        #expect(try await work.take(at: clock.now().addingTimeInterval(599), on: database) == nil, "it is not due")
        let next = try await work.take(at: clock.now().addingTimeInterval(600), on: database)
        #expect(next == PeriodicWork.Turn(position: "a", doneAt: clock.now()))
        #expect(try await work.result(on: database) == "result")
        await database.close()
    }
}
