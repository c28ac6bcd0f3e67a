import FoundationEssentials

/// How many requests of one kind may wait for their answers: as many as the recent rate of answers serves within a useful time.
///
/// Beyond capacity, every request that is admitted makes all behind it wait. Past the deadline the requester no longer waits, and the work
/// is wasted; so a request that could not be answered in time is better rejected at once, while that costs nothing.
struct AdmissionControl: Sendable {
    /// This many may wait at any rate of answers: a worker's batch, and the first ones after an idle period.
    static let always = 100
    /// In seconds. While answers are faster than this, nothing queues, and a burst is admitted whole.
    static let freeWait = 0.25
    /// The admitted wait, as a share of the deadline. The rest covers what a snapshot of the rate cannot predict: a pause, a restart, a slower batch.
    static let usefulShare = 0.2
    /// Seconds over which answers are counted; the window before it counts too.
    static let window = 1.0

    private(set) var waiting = 0
    private var windowBegan = Date.distantPast
    private var answers = 0
    private var answersBefore = 0
    private var lastTook = 0.0
    /// The last answer, or the first request after an idle period.
    private var progressAt = Date.distantPast

    /// Whether one more may wait; if so it counts as waiting until ``answered(at:after:)`` or ``gaveUp()``.
    mutating func admits(at now: Date, deadline: Double) -> Bool {
        roll(now)
        if waiting >= Self.always, wait(now) > Self.freeWait, Double(waiting) > rate(now) * deadline * Self.usefulShare { return false }
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

    /// A waiting request has stopped waiting.
    mutating func gaveUp() { waiting -= 1 }

    /// How long answers take at the moment: the last one, or the silence since, if that is longer.
    private func wait(_ now: Date) -> Double { max(lastTook, now.timeIntervalSince(progressAt)) }

    /// Answers a second, in this window and the one before it.
    private func rate(_ now: Date) -> Double {
        Double(answers + answersBefore) / (Self.window + max(0, now.timeIntervalSince(windowBegan)))
    }

    private mutating func roll(_ now: Date) {
        let age = now.timeIntervalSince(windowBegan)
        // A clock that was set back starts over.
        guard age >= Self.window || age < 0 else { return }
        answersBefore = (0..<2 * Self.window).contains(age) ? answers : 0
        answers = 0
        windowBegan = now
    }
}
