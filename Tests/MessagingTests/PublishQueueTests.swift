import AMQP
import FoundationEssentials
import Synchronization
import TestKit
import Testing

@testable import Messaging

@Suite struct PublishQueueTests {
    private let broker = HeldPublisher()
    private let clock = ManualClock()
    private let recorder = OutcomeRecorder()

    private func publication(_ number: Int) -> Publication {
        Request(id: UUID(), operation: "a", body: Array("\(number)".utf8)).publication(durability: .command, now: clock.now())
    }

    private func add(_ numbers: Range<Int>, to publishQueue: PublishQueue, within seconds: Double = 60) {
        for number in numbers {
            publishQueue.add(publication(number), deadline: clock.now().addingTimeInterval(seconds)) { [recorder] in recorder.note(number, $0) }
        }
    }

    private func running(_ body: (PublishQueue) async throws -> Void) async throws {
        let publishQueue = PublishQueue(broker, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await publishQueue.run() }
            try await body(publishQueue)
            group.cancelAll()
            broker.release(.confirmed)
        }
    }

    @Test func `publications added while others are under way are sent with the next, together`() async throws {
        try await running { publishQueue in
            for number in 0..<PublishQueue.publishesAtOnce {
                add(number..<number + 1, to: publishQueue)
                try await eventually { broker.held.count == number + 1 }
            }
            add(2..<20, to: publishQueue)
            #expect(broker.held.map(\.count) == [1, 1])
            broker.release(.confirmed)
            try await eventually { broker.held.map(\.count) == [1] }
            let bundle = try #require(broker.held.first?.first)
            let opened = Bundle.open(Ledger.delivery(bundle, tag: 1))
            #expect(opened.map { String(decoding: $0.body, as: UTF8.self) } == (2..<20).map { "\($0)" })
            broker.release(.refused)
            try await eventually { recorder.outcomes.count == 20 }
            #expect(recorder.outcomes == Dictionary(uniqueKeysWithValues: (0..<20).map { ($0, $0 < 2 ? .confirmed : .refused) }))
        }
    }

    @Test func `publications past their deadline are rejected unsent`() async throws {
        try await running { publishQueue in
            for number in 0..<2 {
                add(number..<number + 1, to: publishQueue)
                try await eventually { broker.held.count == number + 1 }
            }
            add(2..<3, to: publishQueue, within: 1)
            add(3..<4, to: publishQueue, within: 10)
            try await clock.sleep(for: .seconds(2))
            publishQueue.expire()
            #expect(recorder.outcomes.keys.sorted() == [2])
            #expect(recorder.outcomes[2].flatMap(RequestClient.unanswered) != .timedOut)
            broker.release(.confirmed)
            try await eventually { broker.held.count == 1 }
            #expect(broker.held[0].map { String(decoding: $0.body, as: UTF8.self) } == ["3"])
        }
    }

    @Test func `a publication past the limit is rejected at once, and at the end every caller is answered`() async throws {
        let publishQueue = PublishQueue(ScriptedPublisher(), clock: clock)
        add(0..<PublishQueue.maximumWaiting + 1, to: publishQueue)
        #expect(recorder.outcomes.keys.sorted() == [PublishQueue.maximumWaiting])
        await withTaskGroup { group in
            group.addTask { await publishQueue.run() }
            group.cancelAll()
        }
        add(-1..<0, to: publishQueue)
        #expect(recorder.outcomes.count == PublishQueue.maximumWaiting + 2)
        #expect(recorder.outcomes[-1].flatMap(RequestClient.unanswered) == .refused("shutting down"))
    }
}

/// Keeps publications until their outcomes are given.
private final class HeldPublisher: MessagePublisher {
    private let waiting = Mutex<[([Publication], CheckedContinuation<[PublishOutcome], Never>)]>([])

    var isBlocked: Bool { false }
    var isConnected: Bool { true }
    var held: [[Publication]] { waiting.withLock { $0.map(\.0) } }

    func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
        await withCheckedContinuation { continuation in waiting.withLock { $0.append((publications, continuation)) } }
    }

    func release(_ outcome: PublishOutcome) {
        let released = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for (publications, continuation) in released { continuation.resume(returning: publications.map { _ in outcome }) }
    }
}

private final class OutcomeRecorder: Sendable {
    private let state = Mutex<[Int: PublishOutcome]>([:])

    var outcomes: [Int: PublishOutcome] { state.withLock { $0 } }

    func note(_ number: Int, _ outcome: PublishOutcome) {
        state.withLock { outcomes in
            #expect(outcomes[number] == nil)
            outcomes[number] = outcome
        }
    }
}
