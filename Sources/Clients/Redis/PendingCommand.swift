/// A command that a task waits for.
struct PendingCommand: Sendable {
    typealias Outcome = Result<RedisValue, RedisError>

    let bytes: [UInt8]
    let deadline: ContinuousClock.Instant
    /// Called exactly once.
    let settle: @Sendable (Outcome) -> Void
}

/// First in, first out, as Redis answers: taking the first costs no moving of the others.
struct PendingCommands {
    private var commands: [PendingCommand?] = []
    private var taken = 0

    var count: Int { commands.count - taken }

    /// All commands have the same timeout, so the first is the first to run out of time.
    var firstDeadline: ContinuousClock.Instant? { taken < commands.count ? commands[taken]?.deadline : nil }

    mutating func append(_ command: PendingCommand) {
        commands.append(command)
    }

    mutating func takeFirst() -> PendingCommand? {
        guard taken < commands.count else { return nil }
        defer {
            commands[taken] = nil
            taken += 1
            // Moving the rest only when at least as many were taken keeps the cost of each at a constant.
            if taken * 2 >= commands.count {
                commands.removeFirst(taken)
                taken = 0
            }
        }
        return commands[taken]
    }

    mutating func takeAll() -> [PendingCommand] {
        defer {
            commands = []
            taken = 0
        }
        return commands[taken...].compactMap(\.self)
    }

    /// Takes those whose deadline has passed.
    mutating func takeExpired(at now: ContinuousClock.Instant) -> [PendingCommand] {
        var expired: [PendingCommand] = []
        while let firstDeadline, firstDeadline <= now, let command = takeFirst() { expired.append(command) }
        return expired
    }
}
