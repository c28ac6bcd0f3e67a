import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct FollowingTests {
    /// A letter that was replayed.
    private func replayed(queue: String = "payments.commands") async throws -> (JobsHarness, letter: UUID, message: UUID) {
        let jobs = try await JobsHarness()
        let message = try #require(try await jobs.fill(1, queue: queue).first)
        let letter = try #require(try await jobs.letters.list().items.first?.id)
        #expect(try await jobs.letters.send("deadletters.letters.replay", letter).reply.status == 202)
        return (jobs, letter, message)
    }

    private func state(_ jobs: JobsHarness) async throws -> DeadLetterState? {
        try await jobs.letters.list(["state": "all"]).items.first?.state
    }

    private func pass(_ jobs: JobsHarness, seconds: Int) async throws {
        for _ in 0..<seconds * 2 { _ = try await jobs.turn() }
    }

    @Test func `a replayed letter is handled once its service's inbox has the message, and is not asked about any more`() async throws {
        let (jobs, letter, message) = try await replayed()
        try await pass(jobs, seconds: 5)
        #expect(try await state(jobs) == .replayed)
        jobs.inbox.handle([message])
        try await pass(jobs, seconds: 10)
        #expect(try await state(jobs) == .handled)
        let asked = jobs.inbox.asked
        try await pass(jobs, seconds: 60)
        #expect(jobs.inbox.asked == asked)
        let refused = try await jobs.letters.send("deadletters.letters.replay", letter).reply
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("dead-letter-handled") == true)
    }

    @Test func `while a service is away its letters stay replayed, and it is asked again at growing intervals`() async throws {
        let (jobs, _, message) = try await replayed()
        jobs.inbox.set(isAway: true)
        jobs.inbox.handle([message])
        try await pass(jobs, seconds: 300)
        #expect(try await state(jobs) == .replayed)
        #expect((5...12).contains(jobs.inbox.asked), "\(jobs.inbox.asked)")
        jobs.inbox.set(isAway: false)
        try await pass(jobs, seconds: 61)
        #expect(try await state(jobs) == .handled)
    }

    @Test func `a letter that died again is open, whatever the inbox says, and a late answer does not close it`() async throws {
        let (jobs, _, message) = try await replayed()
        let requests = try await {
            jobs.clock.advance(by: 2)
            return try await jobs.due()
        }()
        try await jobs.die([message])
        jobs.inbox.handle([message])
        _ = try await jobs.handle(requests)
        #expect(try await state(jobs) == .open)
        try await pass(jobs, seconds: 10)
        #expect(try await state(jobs) == .open)
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM replays") == 0)
    }

    @Test func `a letter that dies again while its replay is being concluded stays open`() async throws {
        let (jobs, letter, message) = try await replayed()
        try await jobs.die([message])
        try await jobs.letters.service.database.transaction { try await ReplayStore.conclude([letter], now: jobs.clock.now(), on: $0) }
        #expect(try await state(jobs) == .open)
    }

    @Test func `a service is asked for as long as the retry ladder may hold the message, and no longer`() async throws {
        let (jobs, _, message) = try await replayed()
        #expect(Following.patience > RetryLadder.standard.queues.map { Double($0.milliseconds) / 1000 }.max() ?? 0)
        jobs.clock.advance(by: Following.patience - 1)
        _ = try await jobs.turn()
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM replays") == 1)
        jobs.clock.advance(by: 120)
        _ = try await jobs.turn()
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM replays") == 0)
        jobs.inbox.handle([message])
        try await pass(jobs, seconds: 60)
        #expect(try await state(jobs) == .replayed)
    }

    @Test func `a job does not wait for the outcome of a message that no inbox records`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(2, queue: "payments.queries")
        let job = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [100]}"#).job
        let sent = try await jobs.run(job.id, seconds: 90)
        #expect(sent.count == 2)
        let view = try await jobs.job(job.id)
        #expect(view.state == .finished && view.unknown == 2 && view.handled == 0)
    }

    @Test func `an inbox reports only its own messages`() async throws {
        let jobs = try await JobsHarness()
        let known = UUID()
        _ = await jobs.letters.service.send([try Request("deadletters.jobs.cancel", parameters: ["id": UUID().uuidString], id: UUID())])
        var request = try Request("deadletters.jobs.start", caller: jobs.letters.admin, id: known)
        request.body = Array(#"{"action": "discard", "filter": {}}"#.utf8)
        _ = await jobs.letters.service.send([request])
        let ask = try Request("deadletters.inbox.find", sending: InboxQuery(messages: [known, UUID()]))
        #expect(try await jobs.letters.service.ask(ask).decoded(InboxAnswer.self).handled == [known])
    }
}
