import Contracts
import FoundationEssentials

/// A job as administrators see it.
struct JobView: Sendable, Codable {
    @PublicID var id: UUID
    let action: DeadLetterDecision
    let filter: [String: String]
    let state: JobCourse.State
    let phase: JobCourse.Phase
    let reason: String?
    let selected: Int
    let sent: Int
    let handled: Int
    let diedAgain: Int
    let unknown: Int
    let skipped: Int
    let skips: [String: Int]
    /// Letters a second; 0 where nothing is replayed.
    let rate: Int
    let startedAt: Date
    let startedBy: String
    let finishedAt: Date?
    /// The states of the orders that replayed letters name; nil where they are not known.
    let orders: [String: Int]?

    init(_ job: Job, orders: [String: Int]? = nil) {
        self.orders = orders
        let (order, course) = (job.order, job.course)
        _id = PublicID(wrappedValue: job.id)
        (action, filter, startedBy, startedAt) = (order.action, order.filter, order.startedBy, job.startedAt)
        (state, phase, reason, finishedAt) = (course.state, course.phase, course.reason, course.finishedAt)
        (selected, sent, skipped, skips) = (course.selected, course.sent, course.skipped, course.skips)
        (handled, diedAgain, unknown) = (course.outcomes.handled, course.outcomes.diedAgain, course.outcomes.unknown)
        rate = order.action == .replay && job.isRunning && course.phase == .acting ? Int(course.rate(order)) : 0
    }
}

/// What a job would act on.
struct DryRunView: Sendable, Codable {
    let selected: Int
    /// Distinct orders among those that the letters name.
    let orders: Int
    let byCause: [CauseCount]
    /// True if too many letters match to count their orders, or even the letters; there may be more.
    let atLeast: Bool?
}
