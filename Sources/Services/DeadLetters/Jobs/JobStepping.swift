import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `deadletters.jobs.advance`: the next step of a job.
struct AdvanceJob: Sendable, Codable {
    let jobID: UUID
    /// A message of a step that is done does nothing.
    let step: Int
}

/// Performs the steps of jobs. A step is one transaction: the letters that it decides on, the messages that it sends, and how far the job has come commit
/// together with the inbox row of the step's message, so that after a crash all of it has happened, or none.
struct JobStepping: Sendable {
    static let interval: Duration = .seconds(1)
    static let maximumDue = 20
    /// Seconds for which a step is leased to the worker that took it: longer than a step and its message take. A step whose message was lost is then due again.
    static let lease = 15.0
    /// Days for which ended jobs are kept.
    static let retention = 90.0
    static let droppedAtOnce = 10_000
    /// In one transaction: some seconds of work. The rest is dropped in the next hour.
    static let maximumDrops = 50

    let clock: any WallClock

    /// The due steps of all jobs, each as a message.
    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await JobStore.takeDue(Self.maximumDue, now: clock.now(), lease: Self.lease, on: transaction).map { id, step in
            let message = AdvanceJob(jobID: id, step: step)
            return try OutgoingMessage(.request(MessageName.advanceJob), message, origin: UUID.v5(namespace: id, name: "step \(step)"))
        }
    }

    func dropOld(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let end = clock.now().addingTimeInterval(-Self.retention * 86_400)
        for _ in 0..<Self.maximumDrops {
            guard try await JobStore.drop(endedBefore: end, limit: Self.droppedAtOnce, on: transaction) >= Self.droppedAtOnce else { break }
        }
        return []
    }

    func advance(_ items: [IncomingMessage<AdvanceJob>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var jobs = try await JobStore.lock(items.map(\.input.jobID), on: transaction)
        try await JobLetters.lockCounts(of: jobs.values.filter(\.isRunning), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard var job = jobs[item.input.jobID], job.step == item.input.step else {
                outcomes.append(.done(note: "done before"))
                continue
            }
            let messages = try await step(&job, on: transaction)
            jobs[job.id] = job
            outcomes.append(.done(emit: messages))
        }
        return outcomes
    }

    /// Returns the messages that the step sends.
    private func step(_ job: inout Job, on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        var messages: [OutgoingMessage] = []
        var dueAt: Date?
        var proceeds = false
        var events: ArraySlice<JobEvent> = [.due]
        if job.course.pending(of: job.order) > 0 { events.insert(.learned(try await JobLetters.learn(job, now: now, on: transaction)), at: 0) }
        while let event = events.popFirst() {
            for action in job.course.handle(event, of: job.order, at: now) {
                switch action {
                case .select: events.append(try await JobLetters.select(job, on: transaction))
                case .act(let limit):
                    let acted = try await act(job, limit, now, on: transaction)
                    messages += acted.messages
                    events.append(acted.event)
                case .proceed: proceeds = true
                case .wait(let seconds): dueAt = now.addingTimeInterval(seconds)
                }
            }
        }
        job.step += 1
        if proceeds {
            messages.append(try OutgoingMessage(.request(MessageName.advanceJob), AdvanceJob(jobID: job.id, step: job.step)))
            dueAt = now.addingTimeInterval(Self.lease)
        }
        try await JobStore.save(job, dueAt: dueAt, on: transaction)
        return messages
    }

    private func act(_ job: Job, _ limit: Int, _ now: Date, on transaction: any SQLConnection) async throws -> (event: JobEvent, messages: [OutgoingMessage]) {
        let order = job.order
        let (letters, skips) = try await JobLetters.take(job, limit: limit, on: transaction)
        let actors = Dictionary(letters.map { ($0, order.startedBy) }, uniquingKeysWith: { first, _ in first })
        let results = try await DeadLetterStore.decide(
            order.action, actors, pastMemory: order.pastMemory ? Set(letters) : [], reconciled: order.reconcile ? Set(letters) : [], job: job.id, now: now,
            on: transaction)
        let left = skips.merging(results.compactMapValues(\.skip)) { first, _ in first }
        let changed = letters.filter { results[$0] != nil && left[$0] == nil }
        var states = left.mapValues(\.rawValue)
        for id in changed { states[id] = order.action == .replay ? "sent" : "done" }
        try await JobLetters.note(states, of: job, at: now, on: transaction)
        let tally = Dictionary(left.values.map { ($0.rawValue, 1) }, uniquingKeysWith: +)
        return (.acted(done: changed.count, skipped: tally), order.action == .replay ? try await sending(changed, on: transaction) : [])
    }

    private func sending(_ letters: [UUID], on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let messages = try await DeadLetterStore.messages(of: letters, on: transaction)
        return try letters.map { id in
            guard let message = messages[id] else { throw Failure("letter-lost", "letter \(id) has no message", remedy: .retry) }
            return OutgoingMessage(replaying: message.content, to: message.queue)
        }
    }
}

extension DeadLetterStore.DecisionResult {
    /// Nil where the letter was changed.
    fileprivate var skip: JobLetters.Skip? {
        switch self {
        case .changed: nil
        case .unchanged, .forbidden: .decided
        case .incomplete: .incomplete
        case .pastMemory: .pastMemory
        case .pastGatewayKeys: .reconcile
        }
    }
}
