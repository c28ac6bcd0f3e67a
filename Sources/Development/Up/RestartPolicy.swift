/// How long to wait before something that ended is started again: longer each time, unless it had served.
struct RestartPolicy: Sendable {
    /// With the time that a process takes to become ready this bounds how often one is started again that had served: a few times a second.
    static let firstPause = Duration.milliseconds(100)
    static let longestPause = Duration.seconds(10)
    /// A process that ran that long was well, whether or not anybody saw that it was ready.
    static let steady = Duration.seconds(5)

    private var next = firstPause

    /// The pause before the next start.
    /// - Parameter hadServed: whether it had been ready. What then ended it came from outside, a request say, and whoever sends that again and again must
    ///   not keep the process away for longer and longer.
    mutating func pause(afterRunning lifetime: Duration, hadServed: Bool) -> Duration {
        if hadServed || lifetime >= Self.steady { next = Self.firstPause }
        defer { next = min(next * 2, Self.longestPause) }
        return next
    }
}
