import FoundationEssentials
import Messaging

/// An administrator's order for all letters that match a filter.
struct JobOrder: Sendable, Codable, Equatable {
    /// Letters a second, for as long as each stage of a replay lasts.
    static let standardRates = [1, 5, 50]
    static let standardStopShare = 0.2
    static let maximumRates = 10
    /// The number of letters of usual size that one worker can replay in a second.
    static let maximumRate = 200

    let action: DeadLetterDecision
    /// Parameters of the list of letters.
    let filter: [String: String]
    var rates = standardRates
    /// The share of letters that may die again, from 0 to 1; a replay stops when it is exceeded.
    var stopShare = standardStopShare
    /// See ``ReplayLetter``.
    var pastMemory = false
    var reconcile = false
    /// The administrator's name in the audit log.
    let startedBy: String

    /// For the audit log.
    var text: String {
        let parts = filter.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "\(action.rawValue) of " + (parts.isEmpty ? "all letters" : "letters with " + parts.joined(separator: ", "))
    }
}

extension DeadLetterDecision: Codable {
    /// The letters that a job of this action selects.
    var selects: DeadLetterState { self == .restore ? .discarded : .open }
}

/// A job as it is stored.
struct Job: Sendable, Equatable {
    let id: UUID
    let order: JobOrder
    var course: JobCourse
    /// Of the next step.
    var step = 0
    let startedAt: Date

    var isRunning: Bool { course.state == .running }
}
