import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Synchronization
import TestKit
import Testing
import WebClient

@testable import DeadLetters
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// A webhook that answers as a test says.
private final class Webhook: HTTPTransport {
    private let state: Mutex<(status: Int, requests: [WebRequest])> = Mutex((200, []))

    var requests: [WebRequest] { state.withLock { $0.requests } }
    func answer(_ status: Int) { state.withLock { $0.status = status } }

    func send(_ request: WebRequest) async throws -> WebResponse {
        state.withLock { state in
            state.requests.append(request)
            return WebResponse(status: state.status, headers: [], body: [])
        }
    }
}

@Suite struct RuleTests {
    private static let causes = ["gateway-unreachable"]
    private static let replay = DeadLetterRules(replay: .init(causes: causes, afterMinutes: 10, times: 2))

    private func jobs(_ harness: JobsHarness) async throws -> [JobView] {
        struct List: Decodable { let items: [JobView] }
        return try await harness.letters.service.ask(Request("deadletters.jobs.list", caller: harness.letters.admin)).decoded(List.self).items
    }

    /// Goes on for so many seconds; payments handles nothing.
    private func pass(_ harness: JobsHarness, seconds: Int) async throws -> [UUID] {
        var sent: [UUID] = []
        for _ in 0..<seconds * 2 { sent += try await harness.turn() }
        return sent
    }

    @Test func `nothing happens by itself without a rule, or to another cause`() async throws {
        let without = try await JobsHarness()
        _ = try await without.fill(2, cause: "gateway-unreachable")
        let other = try await JobsHarness(rules: Self.replay)
        _ = try await other.fill(2, cause: "malformed-message")
        for harness in [without, other] {
            harness.clock.advance(by: 86_400)
            #expect(try await pass(harness, seconds: 3).isEmpty)
            #expect(try await jobs(harness).isEmpty)
        }
    }

    @Test func `letters of a cause on the list are replayed when they have waited, as often as the rule says`() async throws {
        let harness = try await JobsHarness(rules: Self.replay)
        let ids = try await harness.fill(1, cause: "gateway-unreachable")
        harness.clock.advance(by: 590)
        #expect(try await pass(harness, seconds: 2).isEmpty)
        for time in 1...3 {
            harness.clock.advance(by: 600)
            let sent = try await pass(harness, seconds: 5)
            #expect(sent == (time <= 2 ? ids : []), "time \(time)")
            let started = try await jobs(harness)
            #expect(started.count == min(time, 2) && started.allSatisfy { $0.startedBy == "rule" })
            // It dies again; nothing is left to be sent, so the job is finished.
            harness.clock.advance(by: 1)
            _ = try await harness.letters.collect(
                sent.map { .setAside(id: $0.uuidString, operation: "payments.void", cause: "gateway-unreachable", at: harness.clock.now()) })
            _ = try await pass(harness, seconds: 5)
        }
        harness.clock.advance(by: AutomaticReplay.span)
        #expect(try await pass(harness, seconds: 5) == ids, "another day")
    }

    @Test func `a job of a rule that has stopped waits for an operator`() async throws {
        let harness = try await JobsHarness(rules: Self.replay)
        let ids = try await harness.fill(30, cause: "gateway-unreachable")
        harness.clock.advance(by: 601)
        for _ in 0..<40 {
            let sent = try await harness.turn()
            harness.clock.advance(by: 0.001)
            _ = try await harness.letters.collect(
                sent.map { .setAside(id: $0.uuidString, operation: "payments.void", cause: "gateway-unreachable", at: harness.clock.now()) })
        }
        #expect(try await jobs(harness).map(\.state) == [.stopped])
        for wait in [3_600, AutomaticReplay.span] {
            harness.clock.advance(by: wait)
            #expect(try await pass(harness, seconds: 5).isEmpty)
            #expect(try await jobs(harness).count == 1 && ids.count == 30)
        }
    }

    @Test func `letters of a group on the list are replayed, and no others of its cause`() async throws {
        let source = try await JobsHarness()
        _ = try await source.fill(1, cause: "other")
        let group = try #require(try await source.letters.list().items.first?.group)
        let harness = try await JobsHarness(rules: DeadLetterRules(replay: .init(causes: [], groups: [group], afterMinutes: 10, times: 2)))
        let ids = try await harness.fill(2, cause: "other")
        _ = try await harness.fill(1, cause: "other", operation: "payments.charge")
        harness.clock.advance(by: 590)
        #expect(try await pass(harness, seconds: 2).isEmpty)
        harness.clock.advance(by: 20)
        #expect(Set(try await pass(harness, seconds: 10)) == Set(ids))
        #expect(try await jobs(harness).map(\.filter) == [["group": group.uuidString.lowercased()]])
    }

    /// The second worker checks after the first has started its job, but before the first has committed.
    @Test func `when two workers check at the same time, only one starts a job, and the other does not wait for it`() async throws {
        let harness = try await JobsHarness(rules: Self.replay)
        _ = try await harness.fill(1, cause: "gateway-unreachable")
        harness.clock.advance(by: 601)
        let replay = AutomaticReplay(rule: Self.replay.replay, clock: harness.clock)
        let database = harness.letters.service.database
        let second = Turn()
        let started = try await withThrowingTaskGroup(of: Int.self) { group in
            let mine = try await database.transaction { first in
                let mine = try await replay.findDue(on: first).count
                group.addTask {
                    defer { second.end() }
                    return try await database.transaction { try await replay.findDue(on: $0).count }
                }
                try await eventually("The second worker has checked, or waits for the first") {
                    if second.hasEnded { return true }
                    try await first.execute("SELECT pg_stat_clear_snapshot()")
                    return try await first.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").count == 1
                }
                #expect(second.hasEnded, "the second one waits for the first")
                return mine
            }
            return [mine, try await group.next() ?? 0]
        }
        #expect(started == [1, 0])
        #expect(try await jobs(harness).count == 1)
    }

    // MARK: Alerts

    private static let hook = DeadLetterRules.Alert.Webhook(url: "https://alerts.example.com/wharf", secret: "0123456789abcdef")

    private func alerting() async throws -> (JobsHarness, Webhook) {
        let webhook = Webhook()
        return (try await JobsHarness(rules: DeadLetterRules(alert: .init(webhook: Self.hook, rate: 5)), transport: webhook), webhook)
    }

    private func alerts(_ webhook: Webhook) throws -> [DeadLetterAlert] { try webhook.requests.map { try JSON.decode(from: $0.body) } }

    @Test func `a new cause is reported once, signed, and a known one is not`() async throws {
        let (harness, webhook) = try await alerting()
        _ = try await harness.fill(2)
        _ = try await harness.turn()
        _ = try await harness.fill(1)
        _ = try await harness.turn()
        let sent = try alerts(webhook)
        #expect(sent.map(\.kind) == [.newCause] && sent.map(\.cause) == ["malformed-message"] && sent.map(\.deaths) == [2])
        let request = try #require(webhook.requests.first)
        let signature = try #require(request.headers.first { $0.name == AlertSending.signatureHeader }?.value)
        let time = Int(harness.clock.now().timeIntervalSince1970 - 0.5)
        let code = HMACSHA256.authenticate(Array("\(time).".utf8) + request.body, key: Array(Self.hook.secret().utf8))
        #expect(signature == "t=\(time),v1=\(Hex.encode(code))" && request.url == Self.hook.url)
        _ = try await harness.fill(1, cause: "declined")
        _ = try await harness.turn()
        #expect(try alerts(webhook).map(\.cause) == ["malformed-message", "declined"])
    }

    @Test func `of two workers that look at the same time one reports a new cause`() async throws {
        let (harness, _) = try await alerting()
        _ = try await harness.fill(2)
        let alerts = Alerts(rule: .init(webhook: Self.hook, rate: 5), clock: harness.clock)
        let database = harness.letters.service.database
        let found = try await database.transaction { first in
            let mine = try await alerts.findDue(on: first).count
            let other = try await database.transaction { second in try await alerts.findDue(on: second).count }
            return [mine, other]
        }
        #expect(found == [1, 0])
    }

    @Test func `a high rate is reported once an hour`() async throws {
        let (harness, webhook) = try await alerting()
        for _ in 0..<3 {
            _ = try await harness.fill(5)
            _ = try await harness.turn()
        }
        #expect(try alerts(webhook).map(\.kind) == [.newCause, .rate])
        harness.clock.advance(by: Alerts.pause)
        _ = try await harness.fill(6)
        _ = try await harness.turn()
        #expect(try alerts(webhook).map(\.kind) == [.newCause, .rate, .rate])
    }

    @Test func `an alert that the webhook refuses is tried again by the ladder, and dies without another alert`() async throws {
        let (harness, webhook) = try await alerting()
        webhook.answer(503)
        _ = try await harness.fill(1)
        harness.clock.advance(by: 0.5)
        let request = try #require(try await harness.due().first { $0.operation == MessageName.sendAlert })
        let failure = try #require(await harness.letters.service.send([request])[0].failure)
        #expect(failure.cause == "alert-refused" && failure.remedy == .retry)
        _ = try await harness.fill(1, cause: "alert-refused", queue: "deadletters.jobs", operation: MessageName.sendAlert)
        #expect(try await harness.due().isEmpty)
        webhook.answer(204)
        #expect(await harness.letters.service.send([request])[0].failure == nil)
        #expect(await harness.letters.service.send([request])[0].failure == nil)
        #expect(webhook.requests.count == 2, "what was sent is not sent again")
    }

    @Test func `a command receives each alert as well as the webhook, and a failure of one does not repeat the other`() async throws {
        let (webhook, command) = (Webhook(), Command())
        let harness = try await JobsHarness(rules: DeadLetterRules(alert: .init(webhook: Self.hook, command: command.run, rate: 0)), transport: webhook)
        command.answer("ended with status 3: no network")
        _ = try await harness.fill(2)
        harness.clock.advance(by: 0.5)
        let requests = try await harness.due()
        #expect(requests.map(\.operation) == Alerts.operations)
        let results = await harness.letters.service.send(requests)
        #expect(results[0].failure == nil && webhook.requests.count == 1)
        let failure = try #require(results[1].failure)
        #expect(failure.cause == "alert-command-failed" && failure.detail == "ended with status 3: no network" && failure.remedy == .retry)
        _ = try await harness.fill(1, cause: failure.cause, queue: "deadletters.jobs", operation: MessageName.runAlertCommand)
        #expect(try await harness.due().isEmpty, "there is no alert about a failed alert")
        command.answer(nil)
        for _ in 0..<2 { #expect(await harness.letters.service.send(requests).allSatisfy { $0.failure == nil }) }
        #expect(webhook.requests.count == 1 && command.alerts.count == 2, "what was sent is not sent again")
        let alert = try #require(command.alerts.last)
        #expect(try JSON.decode(DeadLetterAlert.self, from: Array(alert.utf8)).deaths == 2 && alert.utf8.elementsEqual(webhook.requests[0].body))
    }

    @Test func `slow commands do not hold a batch for longer than its limit`() async throws {
        let command = Command()
        let harness = try await JobsHarness(rules: DeadLetterRules(alert: .init(command: command.run, rate: 0)))
        command.whenRun { harness.clock.advance(by: AlertRunning.longestBatch / 2) }
        for cause in ["one", "two", "three"] { _ = try await harness.fill(1, cause: cause) }
        harness.clock.advance(by: 0.5)
        let results = await harness.letters.service.send(try await harness.due())
        #expect(results.map(\.failure?.cause) == [nil, nil, "alert-command-busy"] && command.alerts.count == 2)
    }
}

/// Whether a worker's turn has ended.
private final class Turn: Sendable {
    private let state = Mutex(false)

    var hasEnded: Bool { state.withLock(\.self) }
    func end() { state.withLock { $0 = true } }
}

/// Stands in for the operators' command.
private final class Command: Sendable {
    private struct State {
        var answer: String?
        var alerts: [String] = []
        var whenRun: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())

    var alerts: [String] { state.withLock { $0.alerts } }
    func answer(_ problem: String?) { state.withLock { $0.answer = problem } }
    func whenRun(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.whenRun = action } }

    var run: DeadLetterRules.Alert.Command {
        { alert in
            let (answer, action) = self.state.withLock { state in
                state.alerts.append(alert)
                return (state.answer, state.whenRun)
            }
            action()
            return answer
        }
    }
}
