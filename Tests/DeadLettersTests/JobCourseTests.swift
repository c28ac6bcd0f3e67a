import FoundationEssentials
import Testing

@testable import DeadLetters

/// A job and the actual state of its letters, for the exhaustive tests: it knows what the state machine does not.
private struct World: Hashable {
    /// Letters that the selection will find, in portions.
    static let portions = [1, 2]

    var course: JobCourse
    var order: JobOrder
    var now: Date
    var found = 0
    /// Of the selected letters.
    var sent = 0
    var skipped = 0
    var handled = 0
    var diedAgain = 0
    /// Whether a step will follow.
    var isDue = true

    static func == (one: World, other: World) -> Bool { one.key == other.key }
    func hash(into hasher: inout Hasher) { hasher.combine(key) }

    /// What decides how it goes on. Of times, that is the distance from now up to the longest burst; a stage is not over in time with as few letters.
    private var key: [Int] {
        let unpaid = Int((min(JobCourse.longestBurst, now.timeIntervalSince(course.paidUntil)) * 4).rounded())
        let outcomes = course.window.outcomes
        return [
            unpaid, course.state.hashValue, course.phase.hashValue, outcomes.handled, outcomes.diedAgain, course.stage, found, sent, skipped, handled, diedAgain,
            isDue ? 1 : 0,
        ]
    }

    init(_ order: JobOrder) {
        now = Date(timeIntervalSince1970: 1_780_000_000)
        course = JobCourse(at: now)
        self.order = order
    }

    enum Move: CaseIterable {
        /// A step in which letters are sent, are skipped, or are held by others.
        case stepSending, stepSkipping, stepHeld
        case handled, diedAgain
        case cancel, resume, pass
    }

    /// The world after this move; nil where it cannot be made.
    func after(_ move: Move) -> World? {
        var world = self
        switch move {
        case .stepSending, .stepSkipping, .stepHeld:
            guard isDue else { return nil }
            world.step(move)
        case .handled, .diedAgain:
            guard order.action == .replay, sent > handled + diedAgain else { return nil }
            let learned = move == .handled ? JobOutcomes(handled: 1) : JobOutcomes(diedAgain: 1)
            if move == .handled { world.handled += 1 } else { world.diedAgain += 1 }
            verify(world.course.handle(.learned(learned), of: order, at: now).isEmpty, "outcomes alone lead to nothing")
        case .cancel, .resume:
            let event: JobEvent = move == .cancel ? .cancelled : .resumed
            let before = course.state
            _ = world.course.handle(event, of: order, at: now)
            if world.course.state != before { world.isDue = true }
        case .pass: world.now += 1
        }
        return world
    }

    private mutating func step(_ move: Move) {
        isDue = false
        var events: [JobEvent] = [.due]
        var performed = 0
        while !events.isEmpty {
            let event = events.removeFirst()
            for action in course.handle(event, of: order, at: now) {
                switch action {
                case .select:
                    performed += 1
                    verify(course.state == .running && sent + skipped == 0, "selection comes first")
                    let isLast = found > 0
                    let count = isLast ? Self.portions[1] : Self.portions[0]
                    found += count
                    events.append(.selected(count, position: isLast ? nil : .init(seconds: 0, id: UUID())))
                case .act(let limit):
                    performed += 1
                    verify(course.state == .running && limit > 0 && limit <= found - sent - skipped, "only what is left is acted on")
                    verify(order.action != .replay || Double(limit) <= course.rate(order) * JobCourse.longestBurst + 0.01, "a rate is kept")
                    switch move {
                    case .stepSending:
                        sent += limit
                        events.append(.acted(done: limit, skipped: [:]))
                    case .stepSkipping:
                        skipped += 1
                        events.append(.acted(done: 0, skipped: ["decided": 1]))
                    default: events.append(.acted(done: 0, skipped: [:]))
                    }
                case .proceed: isDue = true
                case .wait(let seconds):
                    verify(seconds > 0, "a wait takes time")
                    isDue = true
                }
            }
        }
        verify(performed <= 1, "a step is bounded")
        check()
    }

    /// What is true at any time.
    func check() {
        verify(course.selected == found && course.sent == sent && course.skipped == skipped && course.remaining == found - sent - skipped, "letters are counted")
        verify(course.outcomes == JobOutcomes(handled: handled, diedAgain: diedAgain), "outcomes are counted")
        switch course.state {
        case .running: verify(isDue, "a running job goes on")
        case .finished: verify(course.remaining == 0 && course.pending(of: order) == 0 && course.finishedAt != nil && !isDue, "a finished job is finished")
        case .stopped:
            verify(course.remaining > 0 && diedAgain > 0 && course.reason != nil, "there is a reason to stop")
            verify(isDue || course.pending(of: order) == 0, "outcomes are learned after a stop")
        case .cancelled: verify(course.finishedAt != nil, "the end is known")
        }
    }

    /// Records only failures: it is called a million times.
    private func verify(_ isTrue: Bool, _ what: String) {
        if !isTrue { Issue.record("\(what): \(self)") }
    }
}

@Suite struct JobCourseTests {
    private static let orders = [
        JobOrder(action: .replay, filter: [:], rates: [1, 2], stopShare: 0.5, startedBy: "a"),
        JobOrder(action: .replay, filter: [:], rates: [3], stopShare: 0, startedBy: "a"),
        JobOrder(action: .replay, filter: [:], rates: [200], stopShare: 1, startedBy: "a"), JobOrder(action: .discard, filter: [:], startedBy: "a"),
    ]

    @Test(arguments: orders) func `whatever happens in whatever order, counts are right, limits are kept, and a job can end`(order: JobOrder) {
        var known: Set<World> = [World(order)]
        var open = Array(known)
        var ended: Set<JobCourse.State> = []
        while let world = open.popLast(), known.count < 60_000 {
            for move in World.Move.allCases {
                guard let next = world.after(move) else { continue }
                next.check()
                if world.course.state == .finished || world.course.state == .cancelled {
                    let isAsBefore = next.course.state == world.course.state && next.sent == world.sent
                    if !isAsBefore { Issue.record("an ended job sends nothing more: \(next)") }
                }
                if world.course.state == .stopped, move != .resume, next.sent != world.sent { Issue.record("a stopped job sends nothing: \(next)") }
                ended.insert(next.course.state)
                if known.insert(next).inserted { open.append(next) }
            }
        }
        #expect(open.isEmpty, "all \(known.count) states were visited")
        #expect(ended.isSuperset(of: [.running, .cancelled, .finished]))
        #expect(ended.contains(.stopped) == (order.action == .replay && order.stopShare < 1))
        for world in known where !Self.ends(world) { Issue.record("it cannot end: \(world)") }
    }

    /// Whether a job ends if its letters are handled from here on and an operator resumes it.
    private static func ends(_ start: World) -> Bool {
        var world = start
        for _ in 0..<60 {
            if world.course.state == .finished || world.course.state == .cancelled { return true }
            for move in [World.Move.resume, .pass, .stepSending, .handled] { world = world.after(move) ?? world }
        }
        return false
    }

    // MARK: Rates

    private static let start = Date(timeIntervalSince1970: 1_780_000_000)

    /// A job that has selected this many letters, and acts.
    private func acting(_ count: Int, stopShare: Double = 0.2) -> (JobCourse, JobOrder) {
        let order = JobOrder(action: .replay, filter: [:], stopShare: stopShare, startedBy: "a")
        var course = JobCourse(at: Self.start)
        _ = course.handle(.selected(count, position: nil), of: order, at: Self.start)
        return (course, order)
    }

    /// Runs for so many seconds, with a step at each half of them; returns how many letters were sent. Each letter's outcome is known a second later.
    private func run(_ course: inout JobCourse, _ order: JobOrder, from: Double, seconds: Int, dying share: Double = 0) -> Int {
        var sent = 0
        var waiting = [0, 0, 0]
        var died = 0.0
        for half in 0..<seconds * 2 {
            let now = Self.start.addingTimeInterval(from + Double(half) / 2)
            let known = waiting.removeFirst()
            died += Double(known) * share
            let dead = Int(died + 0.001)
            died -= Double(dead)
            _ = course.handle(.learned(JobOutcomes(handled: known - dead, diedAgain: dead)), of: order, at: now)
            var acted = 0
            for case .act(let limit) in course.handle(.due, of: order, at: now) {
                _ = course.handle(.acted(done: limit, skipped: [:]), of: order, at: now)
                acted += limit
            }
            waiting.append(acted)
            sent += acted
        }
        return sent
    }

    @Test func `a replay begins with one letter a second, and goes on faster when enough outcomes are known`() {
        var (course, order) = acting(10_000)
        #expect(run(&course, order, from: 0, seconds: 10) == 10)
        #expect(course.rate(order) == 1)
        _ = run(&course, order, from: 10, seconds: 12)
        #expect(course.rate(order) == 5)
        _ = run(&course, order, from: 22, seconds: 8)
        #expect(course.rate(order) == 50)
        let sent = run(&course, order, from: 30, seconds: 10)
        #expect((495...505).contains(sent), "\(sent)")
    }

    @Test func `a replay stops when more letters die again than its share, and not below it`() {
        var (course, order) = acting(10_000)
        _ = run(&course, order, from: 0, seconds: 60, dying: 1)
        #expect(course.state == .stopped)
        // The fifth of twenty is more than a fifth of them; two more were on their way.
        #expect(course.sent <= 7 && course.outcomes.diedAgain == course.sent)
        #expect(course.reason == "5 of the last 5 letters died again")
        (course, order) = acting(10_000)
        _ = run(&course, order, from: 0, seconds: 120, dying: 0.1)
        #expect(course.state == .running && course.outcomes.diedAgain > 100)
    }

    @Test func `a service that breaks in the middle stops a job that went well for long`() {
        var (course, order) = acting(100_000)
        _ = run(&course, order, from: 0, seconds: 600)
        let before = course.sent
        _ = run(&course, order, from: 600, seconds: 30, dying: 1)
        #expect(course.state == .stopped)
        // A hundred outcomes are judged together, and two seconds' letters are on their way.
        #expect(course.sent - before <= 200)
    }

    @Test func `a resumed job begins at its first rate, and does not count again what had died before`() {
        var (course, order) = acting(10_000)
        _ = run(&course, order, from: 0, seconds: 60, dying: 1)
        #expect(course.handle(.resumed, of: order, at: Self.start.addingTimeInterval(60)) == [.proceed])
        #expect(course.state == .running && course.rate(order) == 1 && course.reason == nil)
        _ = run(&course, order, from: 60, seconds: 10)
        #expect(course.state == .running && course.outcomes.handled > 5)
    }

    @Test func `a job waits while too many outcomes are unknown`() {
        let order = JobOrder(action: .replay, filter: [:], rates: [200], startedBy: "a")
        var course = JobCourse(at: Self.start)
        _ = course.handle(.selected(5_000, position: nil), of: order, at: Self.start)
        for second in 1..<100 {
            let now = Self.start.addingTimeInterval(Double(second))
            for case .act(let limit) in course.handle(.due, of: order, at: now) { _ = course.handle(.acted(done: limit, skipped: [:]), of: order, at: now) }
        }
        #expect(course.sent == JobCourse.maximumPending)
    }

    @Test func `a job that did nothing for an hour does not make up for it`() {
        let (started, order) = acting(10_000)
        var course = started
        let actions = course.handle(.due, of: order, at: Self.start.addingTimeInterval(3_600))
        #expect(actions == [.act(limit: 2)])
    }
}
