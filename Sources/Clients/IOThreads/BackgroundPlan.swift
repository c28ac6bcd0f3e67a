/// Decides how many computations run at once, and at which priority.
///
/// Priorities alone do not protect other threads: if the system first divides processors between sessions, threads of another session do not benefit, and a thread
/// that is preempted may hold a lock that other threads of its process need. Fewer computations therefore run at once while many wait.
struct BackgroundPlan: Sendable {
    enum Priority: Sendable {
        /// That of the process.
        case normal
        case low
    }

    /// The share of one processor that computations at normal priority take at most in the long run: as much as one at low priority gets on processors that are
    /// fully used by others.
    static let normalShare = 0.1

    let most: Int
    let mostInCrowd: Int
    private(set) var running = 0
    private(set) var waiting = 0
    /// Those that run, and those that wait or are about to run.
    private var unfinished = 0
    /// True from when more computations wait than can run, until none is left.
    private(set) var isCrowded = false
    private var normalSince: Duration?
    private var nextNormal: Duration = .zero

    init(most: Int, mostInCrowd: Int) {
        self.most = max(1, most)
        self.mostInCrowd = min(max(1, mostInCrowd), self.most)
    }

    private var limit: Int { isCrowded ? mostInCrowd : most }

    /// Adds a computation. Returns whether it needs a new thread.
    mutating func arrive() -> Bool {
        waiting += 1
        unfinished += 1
        // However late their threads begin.
        if unfinished > 2 * most { isCrowded = true }
        guard running < limit else { return false }
        running += 1
        return true
    }

    /// The priority of the next computation of a thread; nil when the thread is to end.
    ///
    /// - Parameter previous: the priority of the computation that the thread has finished; nil for a new thread.
    mutating func next(after previous: Priority?, at now: Duration) -> Priority? {
        if previous != nil { unfinished -= 1 }
        if previous == .normal, let since = normalSince {
            nextNormal = now + (now - since) * (1 / Self.normalShare - 1)
            normalSince = nil
        }
        guard waiting > 0, running <= limit else {
            running -= 1
            if running == 0, waiting == 0 { isCrowded = false }
            return nil
        }
        waiting -= 1
        guard previous == nil, !isCrowded, normalSince == nil, now >= nextNormal else { return .low }
        normalSince = now
        return .normal
    }
}
