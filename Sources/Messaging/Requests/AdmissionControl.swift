import FoundationEssentials

/// How many requests of one kind may wait for their answers: as many as are answered within a useful time, by the pace of the last answers.
///
/// When more is asked than can be done, every request that is let in makes all behind it wait. Past the deadline nobody waits any more, and the work that is
/// done then is done for nobody; so what could not be answered in time is better refused at once, while it costs nothing.
struct AdmissionControl: Sendable {
    /// So many may wait whatever the pace: a worker's batch, and the first after a standstill.
    static let always = 100
    /// While answers are faster than this, nothing queues, and a burst may come in whole.
    static let patience = 0.25
    /// The wait that is let grow, as a share of the deadline. The rest is for what a snapshot of the pace cannot know: a pause, a restart, a slower batch.
    static let usefulShare = 0.2
    /// Seconds over which answers are counted, and those before them.
    static let window = 1.0

    private(set) var waiting = 0
    private var windowBegan = Date.distantPast
    private var answers = 0
    private var answersBefore = 0
    private var lastTook = 0.0
    /// The last answer, or the first request after a time without any.
    private var progressAt = Date.distantPast

    /// Whether one more may wait; then it counts as waiting until ``answered(at:after:)`` or ``gaveUp()``.
    mutating func admits(at now: Date, deadline: Double) -> Bool {
        roll(now)
        if waiting >= Self.always, wait(now) > Self.patience, Double(waiting) > rate(now) * deadline * Self.usefulShare { return false }
        if waiting == 0 { progressAt = now }
        waiting += 1
        return true
    }

    /// - Parameter took: seconds that the answer took.
    mutating func answered(at now: Date, after took: Double) {
        roll(now)
        waiting -= 1
        answers += 1
        lastTook = took
        progressAt = now
    }

    /// One that waited does so no longer.
    mutating func gaveUp() { waiting -= 1 }

    /// How long answers take at the moment: the last one, or the silence since, if that is longer.
    private func wait(_ now: Date) -> Double { max(lastTook, now.timeIntervalSince(progressAt)) }

    /// Answers a second, in this window and the one before it.
    private func rate(_ now: Date) -> Double {
        Double(answers + answersBefore) / (Self.window + max(0, now.timeIntervalSince(windowBegan)))
    }

    private mutating func roll(_ now: Date) {
        let age = now.timeIntervalSince(windowBegan)
        // A clock that was set back begins anew.
        guard age >= Self.window || age < 0 else { return }
        answersBefore = (0..<2 * Self.window).contains(age) ? answers : 0
        answers = 0
        windowBegan = now
    }
}
