/// How long to wait before something that ended is started again: longer each time, until it has run for a while.
struct RestartPolicy: Sendable {
    static let firstPause = Duration.milliseconds(100)
    static let longestPause = Duration.seconds(10)
    /// Who ran that long was well, and begins anew: whatever ends it now and then is not its own fault, and must not keep it away.
    static let steady = Duration.seconds(5)

    private var next = firstPause

    /// The pause before the next start, after a run that lasted so long.
    mutating func pause(afterRunning lifetime: Duration) -> Duration {
        if lifetime >= Self.steady { next = Self.firstPause }
        defer { next = min(next * 2, Self.longestPause) }
        return next
    }
}
