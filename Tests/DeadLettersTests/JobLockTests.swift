import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

/// Jobs beside each other, and beside whatever else uses the database.
@Suite struct `Locks of jobs` {
    @Test func `jobs that start at once keep to the limit together`() async throws {
        let jobs = try await JobsHarness()
        let discard = #"{"action": "discard", "filter": {}}"#
        for _ in 0..<Jobs.maximum - 1 { #expect(try await jobs.start(discard).reply.status == 202) }
        let status = try await withThrowingTaskGroup(of: Int.self) { group in
            try await jobs.letters.service.database.transaction { holder in
                #expect(try await JobStore.running(on: holder) == Jobs.maximum - 1)
                group.addTask { try await jobs.start(discard).reply.status }
                try await eventually("The other start waits") {
                    try await holder.execute("SELECT pg_stat_clear_snapshot()")
                    return try await holder.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").count == 1
                }
                _ = try await Job.start(JobOrder(action: .discard, filter: [:], startedBy: "test"), id: UUID(), now: jobs.clock.now(), on: holder)
            }
            return try await group.next()
        }
        #expect(status == 409)
    }

    /// Each batch has two jobs over letters of two groups, in opposite orders.
    @Test func `batches of several jobs do not deadlock on the counts of groups`() async throws {
        let jobs = try await JobsHarness()
        let stepping = JobStepping(clock: jobs.clock)
        for round in 0..<10 {
            var orders: [String] = []
            for part in 0..<2 {
                let start = jobs.clock.now()
                for cause in ["a", "b"] { _ = try await jobs.fill(20, cause: cause) }
                jobs.clock.advance(by: 1)
                let range = #""since": "\#(start.ISO8601Format())", "until": "\#(jobs.clock.now().ISO8601Format())""#
                orders += (part == 0 ? ["a", "b"] : ["b", "a"]).map { #"{"action": "discard", "filter": {"cause": "\#($0)", \#(range)}}"# }
            }
            var batches: [[UUID]] = [[], []]
            for (place, order) in orders.enumerated() { batches[place / 2].append(try await jobs.start(order).job.id) }
            for step in 0..<2 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for batch in batches {
                        group.addTask {
                            let items = batch.map {
                                IncomingMessage(request: Request(id: UUID(), operation: MessageName.advanceJob), input: AdvanceJob(jobID: $0, step: step))
                            }
                            _ = try await jobs.letters.service.database.transaction { try await stepping.advance(items, on: $0) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await jobs.letters.list(["limit": "1"]).items.isEmpty, "round \(round)")
        }
        try await jobs.letters.expectExactCounts()
    }

    @Test func `a search that takes too long is rejected, in a list and in a dry run`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(1)
        let service = jobs.letters.service
        let list = try Request("deadletters.letters.list", parameters: ["text": "orderID"], caller: jobs.letters.admin)
        try await service.database.transaction { transaction in
            try await transaction.execute("LOCK TABLE letters IN ACCESS EXCLUSIVE MODE")
            let listed = try await service.ask(list)
            #expect(listed.status == 422 && listed.problem?.type.hasSuffix("search-too-broad") == true)
            let dry = try await jobs.start(#"{"action": "discard", "filter": {"text": "orderID"}, "dryRun": true}"#).reply
            #expect(dry.status == 422 && dry.problem?.type.hasSuffix("search-too-broad") == true)
        }
        #expect(try await service.ask(list).decoded(LettersView.self).items.count == 1)
    }

    @Test func `the audit log names the job of each decision, and records when a job was started, cancelled and resumed`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(2)
        let job = try await jobs.start(#"{"action": "discard", "filter": {"cause": "malformed-message"}}"#).job
        _ = try await jobs.run(job.id, seconds: 2)
        let other = try await jobs.start(#"{"action": "restore", "filter": {}}"#).job
        for _ in 0..<2 { _ = try await jobs.send("deadletters.jobs.cancel", other.id) }
        struct Entries: Decodable { let items: [AuditEntryView] }
        let entries = try await jobs.letters.service.ask(Request("deadletters.audit.list", caller: jobs.letters.admin)).decoded(Entries.self).items
        #expect(entries.filter { $0.job == job.id.uuidString.lowercased() }.map(\.action).sorted() == ["discarded", "discarded", "started"])
        #expect(entries.filter { $0.job == other.id.uuidString.lowercased() }.map(\.action).sorted() == ["cancelled", "started"])
        #expect(entries.last { $0.action == "started" }?.detail == "discard of letters with cause malformed-message")
    }
}
