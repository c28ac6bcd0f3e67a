/// Which transfers may run now, which wait, which are turned away: the decision only, without any I/O.
///
/// First come, first served, except that one whose host is busy does not hold up those behind it.
struct TransferQueue<Element: Equatable> {
    struct Limits: Sendable, Equatable {
        var concurrent: Int
        var concurrentPerHost: Int
        var waiting: Int
    }

    enum Admission: Equatable {
        case start
        case wait
        case refuse
    }

    private struct Waiting {
        let element: Element
        let host: String
        let deadline: ContinuousClock.Instant
    }

    private let limits: Limits
    private var running = 0
    private var runningByHost: [String: Int] = [:]
    private var waiting: [Waiting] = []

    init(limits: Limits) {
        self.limits = limits
    }

    /// The earliest deadline among those waiting; nil when none is waiting.
    var nextDeadline: ContinuousClock.Instant? { waiting.lazy.map(\.deadline).min() }

    mutating func admit(_ element: Element, host: String, deadline: ContinuousClock.Instant) -> Admission {
        if hasRoom(for: host) {
            occupy(host)
            return .start
        }
        guard waiting.count < limits.waiting else { return .refuse }
        waiting.append(Waiting(element: element, host: host, deadline: deadline))
        return .wait
    }

    /// A started transfer has ended; returns those that may start in its place.
    mutating func release(host: String) -> [Element] {
        running -= 1
        let left = runningByHost[host, default: 1] - 1
        runningByHost[host] = left == 0 ? nil : left

        var started: [Element] = []
        while running < limits.concurrent, let index = waiting.firstIndex(where: { hasRoom(for: $0.host) }) {
            let next = waiting.remove(at: index)
            occupy(next.host)
            started.append(next.element)
        }
        return started
    }

    /// Takes out one that waits; false when it does not, because it was started or has ended.
    mutating func withdraw(_ element: Element) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.element == element }) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Takes out those whose deadline has passed.
    mutating func expire(at now: ContinuousClock.Instant) -> [Element] {
        guard let nextDeadline, nextDeadline <= now else { return [] }
        let expired = waiting.filter { $0.deadline <= now }.map(\.element)
        waiting.removeAll { $0.deadline <= now }
        return expired
    }

    /// Takes out all that wait.
    mutating func removeAll() -> [Element] {
        defer { waiting = [] }
        return waiting.map(\.element)
    }

    private func hasRoom(for host: String) -> Bool {
        running < limits.concurrent && runningByHost[host, default: 0] < limits.concurrentPerHost
    }

    private mutating func occupy(_ host: String) {
        running += 1
        runningByHost[host, default: 0] += 1
    }
}
