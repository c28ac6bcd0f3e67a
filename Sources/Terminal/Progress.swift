/// The parts of a piece of work, and how far each is.
package struct Progress: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case waiting
        case running(since: ContinuousClock.Instant)
        case done(after: Duration)
        case failed(after: Duration)
        /// Neither done nor failed: it was no longer needed.
        case stopped(after: Duration)
    }

    package enum End: Sendable {
        case done, failed, stopped
    }

    package struct Part: Sendable, Equatable {
        package let name: String
        package var state: State
        /// Its outcome, in a few words.
        package var remark = ""
    }

    package private(set) var parts: [Part]

    init(_ names: [String]) {
        parts = names.map { Part(name: $0, state: .waiting) }
    }

    package mutating func begin(_ name: String, at now: ContinuousClock.Instant) {
        change(name) { $0.state = .running(since: now) }
    }

    /// Ends a part; returns its final state.
    @discardableResult
    package mutating func end(_ name: String, _ end: End, remark: String, at now: ContinuousClock.Instant) -> Part? {
        change(name) { part in
            var elapsed = Duration.zero
            if case .running(let since) = part.state { elapsed = now - since }
            part.state =
                switch end {
                case .done: .done(after: elapsed)
                case .failed: .failed(after: elapsed)
                case .stopped: .stopped(after: elapsed)
                }
            part.remark = remark
        }
    }

    @discardableResult
    private mutating func change(_ name: String, _ change: (inout Part) -> Void) -> Part? {
        guard let index = parts.firstIndex(where: { $0.name == name }) else { return nil }
        change(&parts[index])
        return parts[index]
    }
}
