import FoundationEssentials

/// The progress of a job. ``handle(_:of:at:)`` alone decides the next step, without I/O.
struct JobCourse: Sendable, Codable, Equatable {
    enum State: String, Sendable, Codable, CaseIterable {
        case running
        /// Too many letters died again. It can be resumed.
        case stopped
        case cancelled
        case finished
    }

    enum Phase: String, Sendable, Codable {
        /// Letters are being selected; none has been acted on.
        case selecting
        case acting
        /// All letters were acted on, and the outcomes of some replays are not known yet.
        case following
    }

    /// Where the selection continues, in the order of `last_seen_at`. A time as seconds, because JSON's times have only milliseconds.
    struct Position: Sendable, Codable, Equatable {
        let seconds: Double
        let id: UUID
    }

    /// Outcomes at the current rate.
    struct Window: Sendable, Codable, Equatable {
        var since: Date
        var outcomes = JobOutcomes()
    }

    var state = State.running
    var phase = Phase.selecting
    /// Why it was stopped.
    var reason: String?
    var position: Position?
    var selected = 0
    /// Letters acted on.
    var sent = 0
    var outcomes = JobOutcomes()
    /// Skipped letters by reason.
    var skips: [String: Int] = [:]
    /// The place of the current rate.
    var stage = 0
    var window: Window
    /// The time up to which the rate has been used, as if the letters were sent at equal intervals.
    var paidUntil: Date
    var finishedAt: Date?

    init(at now: Date) {
        window = Window(since: now)
        paidUntil = now
    }

    var skipped: Int { skips.values.reduce(0, +) }
    /// Selected letters that were not acted on yet.
    var remaining: Int { selected - sent - skipped }
    /// Replays without a known outcome.
    func pending(of order: JobOrder) -> Int { order.action == .replay ? sent - outcomes.count : 0 }
}

/// What has become of replayed letters.
struct JobOutcomes: Sendable, Codable, Equatable {
    var handled = 0
    var diedAgain = 0
    /// Neither became known while the service was asked.
    var unknown = 0

    var count: Int { handled + diedAgain + unknown }

    static func + (one: JobOutcomes, other: JobOutcomes) -> JobOutcomes {
        JobOutcomes(handled: one.handled + other.handled, diedAgain: one.diedAgain + other.diedAgain, unknown: one.unknown + other.unknown)
    }
}

enum JobEvent: Sendable, Equatable {
    /// Its next step.
    case due
    /// The result of `select`; `position` is nil after the last letter.
    case selected(Int, position: JobCourse.Position?)
    /// The result of `act`.
    case acted(done: Int, skipped: [String: Int])
    case learned(JobOutcomes)
    case cancelled
    case resumed
}

enum JobAction: Sendable, Equatable {
    /// Add the next letters to the selection.
    case select
    /// Act on at most this many selected letters.
    case act(limit: Int)
    /// The next step is due at once.
    case proceed
    /// The next step is due in this many seconds.
    case wait(Double)
}
