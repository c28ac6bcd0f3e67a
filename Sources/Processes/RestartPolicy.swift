/// How long to wait before an ended process is restarted: longer each time, unless it had served.
package struct RestartPolicy: Sendable {
    /// Together with the time that a process takes to become ready this bounds how often one that had served is restarted: a few times a second.
    package static let firstPause = Duration.milliseconds(100)
    package static let longestPause = Duration.seconds(10)
    /// A process that ran for this long counts as healthy, even if no probe found it ready.
    package static let steady = Duration.seconds(5)

    private var next = firstPause

    package init() {}

    /// The pause before the next start.
    /// - Parameter hadServed: True if the process had been ready. The cause of its end was then external, such as a request, and a client that repeats the request must not
    /// keep the process down for ever longer.
    package mutating func pause(afterRunning lifetime: Duration, hadServed: Bool) -> Duration {
        if hadServed || lifetime >= Self.steady { next = Self.firstPause }
        defer { next = min(next * 2, Self.longestPause) }
        return next
    }
}
