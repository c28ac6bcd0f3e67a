import Glibc
import Synchronization

/// The managed processes of this process, for its last moments.
public enum LiveProcesses {
    private static let ids = Mutex<Set<Int32>>([])
    private static let limitForStragglers = Duration.seconds(2)
    private static let microsecondsBetweenLooks: UInt32 = 1_000

    static func add(_ id: Int32) { ids.withLock { _ = $0.insert(id) } }
    static func remove(_ id: Int32) { ids.withLock { _ = $0.remove(id) } }

    /// Kills every managed process and all below them, and returns when they are gone, after 2 seconds at the latest.
    ///
    /// Blocks, and reaps processes that others may wait for: for `atexit` and for ending at once, not for anything else.
    public static func killAll() {
        let leaders = ids.withLock { $0 }
        let below = leaders.flatMap { ProcessTree.descendants(of: $0) }
        for leader in leaders { _ = kill(-leader, SIGKILL) }
        for leader in leaders { _ = waitpid(leader, nil, 0) }
        ProcessTree.kill(below)
        let deadline = ContinuousClock.now + limitForStragglers
        while below.hasLiving, ContinuousClock.now < deadline { usleep(microsecondsBetweenLooks) }
    }
}
