import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct JobTests {
    @Test func `a replay sends every letter of its filter once, the oldest first, and follows each until it is handled`() async throws {
        let jobs = try await JobsHarness()
        let others = try await jobs.fill(3, cause: "declined")
        var ids: [UUID] = []
        for _ in 0..<60 {
            jobs.clock.advance(by: 0.001)
            ids += try await jobs.fill(1)
        }
        let started = try await jobs.start(#"{"action": "replay", "filter": {"cause": "malformed-message", "queue": "payments.commands"}}"#)
        #expect(try started.reply.status == 202)
        let job = try started.job
        #expect(try started.reply.headers["location"] == "/v1/dead-letters/jobs/\(job.id.uuidString.lowercased())")
        #expect(job.state == .running && job.startedBy == "admin@example.com (00000000-0000-0000-0000-000000000007)")
        let sent = try await jobs.run(job.id)
        #expect(sent == ids)
        let ended = try await jobs.job(job.id)
        #expect(ended.state == .finished && ended.selected == 60 && ended.sent == 60 && ended.handled == 60 && ended.diedAgain == 0 && ended.skipped == 0)
        #expect(ended.finishedAt != nil && ended.rate == 0)
        #expect(try await jobs.letters.list(["state": "handled", "limit": "100"]).items.count == 60)
        #expect(Set(try await jobs.letters.list().items.compactMap(\.messageId)) == Set(others.map(\.uuidString)))
        let audit = try await jobs.letters.service.count("SELECT count(*) FROM audit WHERE action = 'handled'")
        #expect(audit == 60)
        #expect(try await jobs.due().isEmpty, "there is nothing left to do")
    }

    @Test func `two jobs over the same letters send each of them once`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(40)
        let order = #"{"action": "replay", "filter": {}, "rates": [10]}"#
        let first = try await jobs.start(order).job
        let second = try await jobs.start(order).job
        var sent: [UUID] = []
        for _ in 0..<40 { sent += try await jobs.turn() }
        #expect(sent.count == 40 && Set(sent) == Set(ids))
        jobs.inbox.handle(ids)
        for _ in 0..<80 { sent += try await jobs.turn() }
        let views = [try await jobs.job(first.id), try await jobs.job(second.id)]
        #expect(views.map(\.state) == [.finished, .finished])
        #expect(views.map(\.selected) == [40, 40])
        #expect(views.reduce(0) { $0 + $1.sent } == 40 && views.reduce(0) { $0 + ($1.skips["decided"] ?? 0) } == 40)
        let third = try await jobs.start(order).job
        #expect(try await jobs.run(third.id).isEmpty)
        let view = try await jobs.job(third.id)
        #expect(view.state == .finished && view.selected == 0)
        #expect(sent.count == 40)
    }

    @Test func `a step that is delivered again sends the same messages, and one that is done does nothing`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(30)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [20]}"#).job
        // Selection.
        _ = try await jobs.turn()
        _ = try await jobs.turn()
        jobs.clock.advance(by: 0.5)
        let due = try await jobs.due().filter { $0.operation == MessageName.advanceJob }
        let step = try #require(due.first)
        let first = await jobs.letters.service.send([step])[0].replayed
        let again = await jobs.letters.service.send([step])[0].replayed
        #expect(!first.isEmpty && first == again, "what was committed leaves under the same ids")
        // Its rate would let a later step send more by now.
        jobs.clock.advance(by: 1)
        let copy = Request(id: UUID(), operation: step.operation, body: step.body)
        #expect(await jobs.letters.service.send([copy])[0].replayed.isEmpty)
        jobs.inbox.handle(ids)
        let sent = try await jobs.run(job.id)
        #expect(Set(sent).isDisjoint(with: first))
        #expect(try await jobs.job(job.id).sent == 30)
    }

    @Test func `a step belongs to the worker that took it, and one that was lost is due again`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(3)
        _ = try await jobs.start(#"{"action": "replay", "filter": {}}"#)
        let first = try await jobs.due()
        #expect(first.count == 1)
        jobs.clock.advance(by: JobStepping.lease - 1)
        #expect(try await jobs.due().isEmpty)
        jobs.clock.advance(by: 2)
        #expect(try await jobs.due().map(\.id) == first.map(\.id))
    }

    @Test func `a job stops by itself when too many letters die again, is resumed, and sends no letter twice`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(50)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}}"#).job
        let first = try await jobs.run(job.id, dying: Set(ids))
        let stopped = try await jobs.job(job.id)
        #expect(stopped.state == .stopped && stopped.diedAgain == 5 && stopped.reason == "5 of the last 5 letters died again")
        #expect(first.count <= 7)
        for _ in 0..<10 { #expect(try await jobs.turn().isEmpty) }
        #expect(try await jobs.send("deadletters.jobs.resume", job.id).status == 202)
        let second = try await jobs.run(job.id)
        #expect(Set(first).isDisjoint(with: second) && Set(first + second) == Set(ids))
        let ended = try await jobs.job(job.id)
        #expect(ended.state == .finished && ended.sent == 50 && ended.diedAgain == first.count && ended.handled == 50 - first.count)
        #expect(Set(try await jobs.letters.list(["limit": "100"]).items.compactMap(\.messageId)) == Set(first.map(\.uuidString)))
    }

    @Test func `a cancelled job sends nothing more, and cannot be resumed`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(30)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}}"#).job
        var sent: [UUID] = []
        for _ in 0..<10 { sent += try await jobs.turn() }
        #expect(!sent.isEmpty && sent.count < 10)
        for _ in 0..<2 { #expect(try await jobs.send("deadletters.jobs.cancel", job.id).decoded(JobView.self).state == .cancelled) }
        for _ in 0..<10 { #expect(try await jobs.turn().isEmpty) }
        jobs.inbox.handle(ids)
        for _ in 0..<100 { #expect(try await jobs.turn().isEmpty) }
        let ended = try await jobs.job(job.id)
        #expect(ended.sent == sent.count && ended.handled == sent.count, "outcomes are learned after the end")
        let refused = try await jobs.send("deadletters.jobs.resume", job.id)
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("dead-letter-job-ended") == true)
        #expect(try await jobs.send("deadletters.jobs.cancel", UUID()).status == 404)
    }

    @Test func `a letter that dies again between selection and replay is left to the next job`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(2)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}}"#).job
        for request in try await jobs.due() { _ = await jobs.letters.service.send([request]) }
        #expect(try await jobs.job(job.id).selected == 2)
        try await jobs.die(ids.prefix(1))
        let sent = try await jobs.run(job.id)
        #expect(sent == Array(ids.dropFirst()))
        #expect(try await jobs.job(job.id).skips == ["returned": 1])
    }

    @Test func `letters that another transaction holds are left for a later step`() async throws {
        let jobs = try await JobsHarness()
        let ids = try await jobs.fill(2)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [100]}"#).job
        jobs.inbox.handle(ids)
        try await jobs.letters.service.database.transaction { holder in
            try await holder.execute("SELECT FROM letters WHERE message_id = \(ids[0].uuidString) FOR UPDATE")
            var sent: [UUID] = []
            for _ in 0..<6 { sent += try await jobs.turn() }
            #expect(sent == [ids[1]])
        }
        #expect(try await jobs.run(job.id) == [ids[0]])
    }

    @Test func `thousands of letters are discarded and restored in a few steps`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(2_500)
        let kept = try await jobs.fill(1, cause: "declined")
        let discarding = try await jobs.start(#"{"action": "discard", "filter": {"cause": "malformed-message"}}"#).job
        #expect(try await jobs.run(discarding.id, seconds: 2).isEmpty)
        let discarded = try await jobs.job(discarding.id)
        #expect(discarded.state == .finished && discarded.selected == 2_500 && discarded.sent == 2_500)
        #expect(try await jobs.letters.list().items.compactMap(\.messageId) == kept.map(\.uuidString))
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM audit WHERE action = 'discarded' AND actor LIKE 'admin@example.com%'") == 2_500)
        let restoring = try await jobs.start(#"{"action": "restore", "filter": {}}"#).job
        _ = try await jobs.run(restoring.id, seconds: 2)
        #expect(try await jobs.job(restoring.id).sent == 2_500)
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM letters WHERE state = 'open'") == 2_501)
    }

    @Test func `a dry run counts, and changes nothing`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(4)
        _ = try await jobs.fill(2, cause: "declined")
        let reply = try await jobs.start(#"{"action": "replay", "filter": {"queue": "payments.commands"}, "dryRun": true}"#).reply
        #expect(reply.status == 200)
        let view = try reply.decoded(DryRunView.self)
        #expect(view.selected == 6 && view.orders == 0)
        #expect(view.byCause.map(\.count) == [4, 2])
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM jobs") == 0)
    }

    @Test func `a job skips letters that need consent, and those that cannot be sent`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(1)
        jobs.clock.advance(by: 8 * 86_400)
        _ = try await jobs.fill(1, operation: MessageName.charge)
        jobs.clock.advance(by: 21 * 3600)
        _ = try await jobs.letters.collect([.setAside(body: FailedMessage.redactedBody, at: jobs.clock.now())])
        let job = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [100]}"#).job
        #expect(try await jobs.run(job.id).isEmpty)
        #expect(try await jobs.job(job.id).skips == ["pastMemory": 1, "reconcile": 1, "incomplete": 1])
        let consenting = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [100], "pastMemory": true, "reconcile": true}"#).job
        #expect(try await jobs.run(consenting.id).count == 2)
    }

    @Test func `a charge that its gateway may have forgotten is replayed only with consent to look for it first`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(1, operation: MessageName.charge)
        jobs.clock.advance(by: GatewayKeys.memory + 1)
        let id = try #require(try await jobs.letters.list().items.first?.id)
        let refused = try await jobs.letters.send("deadletters.letters.replay", id)
        #expect(try refused.reply.problem?.type.hasSuffix("dead-letter-past-gateway-keys") == true && refused.replayed.isEmpty)
        var knowing = try Request("deadletters.letters.replay", parameters: ["id": id.uuidString], caller: jobs.letters.admin)
        knowing.body = Array(#"{"reconcile": true}"#.utf8)
        #expect(await jobs.letters.service.send([knowing])[0].replayed.count == 1)
    }

    @Test(arguments: [
        (#"{"filter": {}}"#, "action"), (#"{"action": "replay"}"#, "filter"), (#"{"action": "replay", "filter": {"causse": "x"}}"#, "filter.causse"),
        (#"{"action": "replay", "filter": {"state": "all"}}"#, "filter.state"), (#"{"action": "restore", "filter": {"state": "open"}}"#, "filter.state"),
        (#"{"action": "replay", "filter": {"queue": ""}}"#, "filter.queue"), (#"{"action": "replay", "filter": {}, "rates": []}"#, "rates"),
        (#"{"action": "replay", "filter": {}, "rates": [0]}"#, "rates"), (#"{"action": "replay", "filter": {}, "rates": [201]}"#, "rates"),
        (#"{"action": "replay", "filter": {}, "stopShare": 1.5}"#, "stopShare"), (#"{"action": "discard", "filter": {}, "rates": [1]}"#, "rates"),
        (#"{"action": "replay", "filter": 5}"#, "filter"), (#"{"action": "replay", "filter": {}, "dryrun": true}"#, "dryrun"),
    ])
    func `an invalid job request is refused with the invalid member and changes nothing`(body: String, field: String) async throws {
        let jobs = try await JobsHarness()
        let reply = try await jobs.start(body).reply
        #expect(reply.status == 422 && reply.problem?.errors?.map(\.field).contains(field) == true, "\(String(decoding: reply.body, as: UTF8.self))")
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM jobs") == 0)
    }

    @Test func `a replay is shown with the states of the orders that its letters name`() async throws {
        let jobs = try await JobsHarness()
        let orders = [UUID(), UUID()]
        _ = try await jobs.letters.collect(
            [orders[0], orders[1], orders[1]].map { .setAside(operation: "payments.void", at: jobs.clock.now(), headers: ["order": .string($0.uuidString)]) })
        _ = try await jobs.fill(1)
        let dry = try await jobs.start(#"{"action": "replay", "filter": {}, "dryRun": true}"#).reply.decoded(DryRunView.self)
        #expect(dry.selected == 4 && dry.orders == 2)
        let job = try await jobs.start(#"{"action": "replay", "filter": {}, "rates": [100]}"#).job
        _ = try await jobs.run(job.id)
        #expect(try await jobs.job(job.id).orders == ["confirmed": 2])
    }

    @Test func `jobs are listed newest first, and their number is limited`() async throws {
        let jobs = try await JobsHarness()
        for _ in 0..<Jobs.maximum {
            jobs.clock.advance(by: 1)
            #expect(try await jobs.start(#"{"action": "discard", "filter": {}}"#).reply.status == 202)
        }
        let refused = try await jobs.start(#"{"action": "discard", "filter": {}}"#).reply
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("too-many-jobs") == true)
        let list = try await jobs.letters.service.ask(Request("deadletters.jobs.list", parameters: ["limit": "3", "state": "running"], caller: jobs.letters.admin))
        let page = try list.decoded(JobsPage.self)
        #expect(page.items.count == 3 && page.nextCursor != nil)
        #expect(page.items.map(\.startedAt) == page.items.map(\.startedAt).sorted(by: >))
    }

    private struct JobsPage: Decodable {
        let items: [JobView]
        let nextCursor: String?
    }

    @Test func `old jobs and their letters are dropped`() async throws {
        let jobs = try await JobsHarness()
        _ = try await jobs.fill(3)
        let job = try await jobs.start(#"{"action": "discard", "filter": {}}"#).job
        _ = try await jobs.run(job.id, seconds: 2)
        jobs.clock.advance(by: JobStepping.retention * 86_400 - 60)
        _ = try await jobs.due()
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM job_letters") == 3)
        jobs.clock.advance(by: 120)
        _ = try await jobs.due()
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM jobs") == 0)
        #expect(try await jobs.letters.service.count("SELECT count(*) FROM job_letters") == 0)
    }
}
