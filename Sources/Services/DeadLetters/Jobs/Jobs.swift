import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Decisions on all letters of a filter.
struct Jobs: Sendable {
    /// Running and stopped at the same time.
    static let maximum = 20
    private static let namespace = UUID(uuid: (0x2f, 0x8d, 0x51, 0x0c, 0xe6, 0x3b, 0x4a, 0x77, 0x9c, 0x14, 0x60, 0xd8, 0x25, 0xfa, 0x93, 0x1e))

    let orders: JobOrders
    let clock: any WallClock

    /// The letters on which each dry run would act. It has no entries for other requests.
    func preview(_ items: [IncomingMessage<StartJob>], _ database: any Database) async throws -> [UUID: Result<DryRunView, Problem>] {
        var previews: [UUID: Result<DryRunView, Problem>] = [:]
        for item in items where item.input.dryRun {
            let filter = try item.input.order(item.request.auditName).letters()
            previews[item.request.id] = try await DeadLetterStore.preview(filter, on: database).map(Result.success) ?? .failure(.searchTooBroad)
        }
        return previews
    }

    func start(
        _ items: [IncomingMessage<StartJob>], _ previews: [UUID: Result<DryRunView, Problem>], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            switch previews[item.request.id] {
            case .success(let preview)?:
                outcomes.append(.done(try Reply(json: preview)))
                continue
            case .failure(let problem)?:
                outcomes.append(.refused(problem))
                continue
            case nil: break
            }
            guard try await JobStore.running(on: transaction) < Self.maximum else {
                outcomes.append(.refused(.tooManyJobs))
                continue
            }
            let order = item.input.order(item.request.auditName)
            let id = UUID.v5(namespace: Self.namespace, name: item.request.id.uuidString)
            let (job, first) = try await Job.start(order, id: id, now: clock.now(), on: transaction)
            let reply = try Reply(status: 202, headers: ["location": "/v1/dead-letters/jobs/\(job.id.lowerCaseText)"], json: JobView(job))
            outcomes.append(.done(reply, emit: [first]))
        }
        return outcomes
    }

    /// With the states of the orders that replayed letters name.
    func get(_ items: [IncomingMessage<OneJob>], _ database: any Database) async throws -> [Outcome] {
        let jobs = try await database.withConnection { try await JobStore.find(items.map(\.input.id), on: $0) }
        var outcomes: [Outcome] = []
        for item in items {
            guard let job = jobs[item.input.id] else {
                outcomes.append(.refused(.notFound("job")))
                continue
            }
            let states = job.order.action == .replay ? try await orders.states(of: job, database) : nil
            outcomes.append(.done(try Reply(tagged: JobView(job, orders: states))))
        }
        return outcomes
    }

    func list(_ items: [IncomingMessage<ListJobs>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let jobs = try await JobStore.list(item.input.state, after: item.input.after, limit: item.input.page.limit + 1, on: connection)
            let page = try Page(jobs, item.input.page, item: { JobView($0) }, key: { PageRequest.key($0.startedAt, $0.id) })
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }

    func cancel(_ items: [IncomingMessage<OneJob>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, .cancelled, to: .cancelled, status: 200, on: transaction)
    }

    func resume(_ items: [IncomingMessage<OneJob>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, .resumed, to: .running, status: 202, on: transaction)
    }

    /// A job that is in that state already stays as it is. A job that has ended is refused.
    private func change(
        _ items: [IncomingMessage<OneJob>], _ event: JobEvent, to state: JobCourse.State, status: Int, on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var jobs = try await JobStore.lock(items.map(\.input.id), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard var job = jobs[item.input.id] else {
                outcomes.append(.refused(.notFound("job")))
                continue
            }
            if job.course.state != state {
                let now = clock.now()
                _ = job.course.handle(event, of: job.order, at: now)
                guard job.course.state == state else {
                    outcomes.append(.refused(.jobEnded(job.course.state)))
                    continue
                }
                // The next step is due at once. It has the same number as before: a message of it may be on its way.
                try await JobStore.save(job, dueAt: now, on: transaction)
                try await JobStore.record(state == .cancelled ? "cancelled" : "resumed", job, by: item.request.auditName, now: now, on: transaction)
                jobs[job.id] = job
            }
            outcomes.append(.done(try Reply(status: status, json: JobView(job))))
        }
        return outcomes
    }
}

extension Job {
    /// A new job, and the message of its first step.
    static func start(_ order: JobOrder, id: UUID, now: Date, on transaction: any SQLConnection) async throws -> (job: Job, first: OutgoingMessage) {
        let job = Job(id: id, order: order, course: JobCourse(at: now), startedAt: now)
        try await JobStore.insert(job, on: transaction)
        try await JobStore.record("started", job, by: order.startedBy, detail: order.text, now: now, on: transaction)
        return (job, try OutgoingMessage(.request(MessageName.advanceJob), AdvanceJob(jobID: job.id, step: job.step), origin: UUID.v5(namespace: id, name: "step 0")))
    }
}

extension Problem {
    static let tooManyJobs = Problem.conflict("too-many-jobs", "\(Jobs.maximum) jobs are running or stopped. Wait until one has finished, or cancel one.")

    static func jobEnded(_ state: JobCourse.State) -> Problem {
        .conflict("dead-letter-job-ended", "The job is \(state.rawValue). Start another one for the remaining letters.")
    }
}
