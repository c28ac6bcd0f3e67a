/// How long to wait before an ended process is restarted: longer each time, unless it had served.
struct RestartPolicy: Sendable {
    /// Together with the time that a process takes to become ready this bounds how often one that had served is restarted: a few times a second.
    static let firstPause = Duration.milliseconds(100)
    static let longestPause = Duration.seconds(10)
    /// A process that ran for this long counts as healthy, even if no probe found it ready.
    static let steady = Duration.seconds(5)

    private var next = firstPause

    /// The pause before the next start.
    /// - Parameter hadServed: whether it had been ready. Then the cause of its end came from outside, a request say, and a client that repeats it must
    /// not keep the process down for longer and longer.
    mutating func pause(afterRunning lifetime: Duration, hadServed: Bool) -> Duration {
        if hadServed || lifetime >= Self.steady { next = Self.firstPause }
        defer { next = min(next * 2, Self.longestPause) }
        return next
    }
}
