import FoundationEssentials

/// Tracks whether replies arrive at all: a process can be connected, and have its requests accepted, while no reply is routed back to it.
struct ReplySilence: Equatable {
    /// Seconds from the first unanswered request to the latest, from which on a problem is reported. Longer than the loss of one broker node takes.
    static let limit: TimeInterval = 10
    /// One slow request, or a single one to an operation without workers, is not silence.
    static let fewestRequests = 3
    /// Seconds after which unanswered requests are forgotten: without newer requests, nothing is known.
    static let memory: TimeInterval = 60

    private var unanswered = 0
    private var since: Date?
    private var last: Date?

    mutating func replied() { self = ReplySilence() }

    /// A request that was sent at `sentAt` got no reply by its deadline, `now`.
    mutating func timedOut(sentAt: Date, at now: Date) {
        if let last, now.timeIntervalSince(last) > Self.memory { self = ReplySilence() }
        unanswered += 1
        since = since ?? sentAt
        last = now
    }

    /// A description of the problem for an operator, or nil if replies arrive.
    func trouble(at now: Date) -> String? {
        guard unanswered >= Self.fewestRequests, let since, let last, now.timeIntervalSince(last) <= Self.memory else { return nil }
        let seconds = last.timeIntervalSince(since)
        return seconds < Self.limit ? nil : "no reply has arrived for \(Int(seconds.rounded())) s, in which \(unanswered) requests went unanswered"
    }
}
