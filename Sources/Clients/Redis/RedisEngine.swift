import CHiredis
import Glibc
import IOThreads
import Logging

/// The life of the connection: looked up, connected, greeted, used, lost, tried again. Belongs to the I/O thread.
final class RedisEngine {
    struct Settings: Sendable {
        var address: RedisAddress
        /// Provides the URL, for its user and password, for each new connection; nil to keep those of `address`.
        var renewing: (@Sendable () -> String)?
        var connectTimeout: Duration
        var logger: Logger
    }

    private enum Phase {
        case lookingUp(deadline: ContinuousClock.Instant)
        case connecting(RedisConnection, others: ArraySlice<String>, deadline: ContinuousClock.Instant)
        case greeting(RedisConnection, unanswered: ArraySlice<[String]>, deadline: ContinuousClock.Instant)
        case ready(RedisConnection)
        case resting(until: ContinuousClock.Instant)
    }

    private let settings: Settings
    private let mailbox: RedisMailbox
    private let wakeUp: WakeUp
    private var phase = Phase.resting(until: .now)
    private var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
    private var isLookupRunning = false
    /// Sent and not yet answered, once ready; before the first time that it is, those that wait for it.
    private var pending = PendingCommands()

    init(_ settings: Settings, mailbox: RedisMailbox, wakeUp: WakeUp) {
        self.settings = settings
        self.mailbox = mailbox
        self.wakeUp = wakeUp
    }

    /// Returns when the mailbox is closed.
    func run() {
        while let mail = mailbox.take() {
            if let lookup = mail.lookup { lookupEnded(lookup) }
            accept(mail.commands)
            keepTime(.now)
            waitForEvents()
        }
        let error = RedisError(code: .shutDown, message: "The Redis client was shut down before the reply came")
        failAll(with: error, from: error)
    }

    // MARK: Commands

    private func accept(_ commands: [PendingCommand]) {
        for command in commands { pending.append(command) }
        if case .ready(let connection) = phase { send(commands, over: connection) }
    }

    private func send(_ commands: [PendingCommand], over connection: RedisConnection) {
        guard !commands.isEmpty else { return }
        do {
            for command in commands { try connection.append(command.bytes) }
            try connection.flush()
        } catch {
            lose(because: error.message)
        }
    }

    private func receive(over connection: RedisConnection) throws(RedisError) {
        var settled: [(command: PendingCommand, outcome: PendingCommand.Outcome)] = []
        // What was answered before the connection breaks is answered.
        defer { mailbox.settle(settled) }
        try connection.receive()
        while let reply = try connection.nextReply() {
            guard let command = pending.takeFirst() else {
                throw RedisError(code: .failed, message: "Redis sent a reply to no command")
            }
            if case .error(let text) = reply {
                settled.append((command, .failure(RedisError(code: .rejected, message: text))))
            } else {
                settled.append((command, .success(reply)))
            }
        }
    }

    // MARK: Time

    private func keepTime(_ now: ContinuousClock.Instant) {
        let timedOut = RedisError(code: .timedOut, message: "\(settings.address.name) did not answer in time")
        let expired = pending.takeExpired(at: now).map { (command: $0, outcome: PendingCommand.Outcome.failure(timedOut)) }
        // Settled last: the resumed callers then find the connection in its new state.
        defer { mailbox.settle(expired) }
        switch phase {
        case .lookingUp(let deadline) where deadline <= now:
            attemptFailed(unavailable("its name was not looked up in time"))
        case .connecting(_, _, let deadline) where deadline <= now, .greeting(_, _, let deadline) where deadline <= now:
            attemptFailed(unavailable("it did not answer within \(settings.connectTimeout)"))
        case .ready where !expired.isEmpty:
            // A server that is silent for this long is stuck or gone; commands behind this one would only wait longer.
            lose(because: "a command was not answered in time")
        case .resting(let until) where until <= now:
            beginAttempt(now)
        default: break
        }
    }

    private var nextDeadline: ContinuousClock.Instant? {
        let ofPhase: ContinuousClock.Instant? =
            switch phase {
            case .lookingUp(let deadline), .connecting(_, _, let deadline), .greeting(_, _, let deadline): deadline
            case .resting(let until): until
            case .ready: nil
            }
        return [ofPhase, pending.firstDeadline].compactMap(\.self).min()
    }

    // MARK: Sockets

    private func waitForEvents() {
        var watched = [pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)]
        if let (connection, events) = interest {
            watched.append(pollfd(fd: connection.descriptor, events: Int16(events), revents: 0))
        }
        let timeout = nextDeadline.map { ($0 - .now).pollTimeout } ?? -1
        guard poll(&watched, nfds_t(watched.count), timeout) > 0, watched.count == 2 else { return }
        let events = Int32(watched[1].revents)
        if events != 0 { socketIsReady(events) }
    }

    private var interest: (RedisConnection, events: Int32)? {
        switch phase {
        case .connecting(let connection, _, _): (connection, POLLOUT)
        case .greeting(let connection, _, _), .ready(let connection): (connection, connection.events)
        case .lookingUp, .resting: nil
        }
    }

    private func socketIsReady(_ events: Int32) {
        switch phase {
        case .connecting(let connection, let others, let deadline):
            do {
                try connection.finishConnecting()
                try greet(connection, deadline)
            } catch {
                connect(to: others, deadline, lastError: error)
            }
        case .greeting(let connection, let unanswered, let deadline):
            do {
                if events & POLLOUT != 0 { try connection.flush() }
                if events & ~POLLOUT != 0 { try receiveGreeting(over: connection, unanswered, deadline) }
            } catch {
                attemptFailed(error.code == .authenticationFailed ? error : unavailable(error.message))
            }
        case .ready(let connection):
            do {
                if events & POLLOUT != 0 { try connection.flush() }
                if events & ~POLLOUT != 0 { try receive(over: connection) }
            } catch {
                lose(because: error.message)
            }
        case .lookingUp, .resting: break
        }
    }

    // MARK: Attempts

    private func beginAttempt(_ now: ContinuousClock.Instant) {
        phase = .lookingUp(deadline: now + settings.connectTimeout)
        // A lookup that outlived an earlier attempt serves this one as well.
        guard !isLookupRunning else { return }
        isLookupRunning = true
        HostLookup.ofProcess.start(settings.address.host) { [mailbox] in mailbox.deliver($0) }
    }

    private func lookupEnded(_ lookup: HostLookup.Outcome) {
        isLookupRunning = false
        guard case .lookingUp(let deadline) = phase else { return }
        switch lookup {
        case .success(let addresses): connect(to: addresses[...], deadline, lastError: nil)
        case .failure(let error): attemptFailed(unavailable(error.message))
        }
    }

    private func connect(to addresses: ArraySlice<String>, _ deadline: ContinuousClock.Instant, lastError: RedisError?) {
        var lastError = lastError
        for index in addresses.indices {
            do {
                let connection = try RedisConnection(address: addresses[index], of: settings.address)
                phase = .connecting(connection, others: addresses[(index + 1)...], deadline: deadline)
                return
            } catch {
                lastError = error
            }
        }
        attemptFailed(unavailable(lastError?.message ?? "it has no address"))
    }

    private func greet(_ connection: RedisConnection, _ deadline: ContinuousClock.Instant) throws(RedisError) {
        let address = settings.renewing.flatMap { try? RedisAddress($0()) } ?? settings.address
        let greeting = address.greeting
        for command in greeting { try connection.append(RedisCommand.encode(command)) }
        try connection.flush()
        phase = .greeting(connection, unanswered: greeting[...], deadline: deadline)
    }

    private func receiveGreeting(
        over connection: RedisConnection, _ unanswered: ArraySlice<[String]>, _ deadline: ContinuousClock.Instant
    ) throws(RedisError) {
        var unanswered = unanswered
        try connection.receive()
        while let command = unanswered.first, let reply = try connection.nextReply() {
            if case .error(let text) = reply { throw Greeting.error(text, to: command, at: settings.address.name) }
            unanswered = unanswered.dropFirst()
        }
        guard unanswered.isEmpty else {
            phase = .greeting(connection, unanswered: unanswered, deadline: deadline)
            return
        }
        settings.logger.info("connected to Redis", metadata: ["server": "\(settings.address.name)"])
        phase = .ready(connection)
        backoff.reset()
        mailbox.becomeReady()
        let waiting = pending.takeAll()
        accept(waiting)
    }

    private func attemptFailed(_ error: RedisError) {
        settings.logger.debug("Redis is away", metadata: ["server": "\(settings.address.name)", "error": "\(error)"])
        phase = .resting(until: .now + backoff.next())
        failAll(with: error, from: error)
    }

    private func lose(because reason: String) {
        settings.logger.info("lost Redis", metadata: ["server": "\(settings.address.name)", "reason": "\(reason)"])
        phase = .resting(until: .now + backoff.next())
        let name = settings.address.name
        failAll(
            with: RedisError(code: .connectionLost, message: "The connection to Redis at \(name) was lost: \(reason)"),
            from: unavailable(reason))
    }

    /// Commands that come from now on get `later`.
    private func failAll(with error: RedisError, from later: RedisError) {
        let failed = pending.takeAll() + mailbox.becomeAway(later)
        mailbox.settle(failed.map { ($0, .failure(error)) })
    }

    private func unavailable(_ reason: String) -> RedisError {
        RedisError(
            code: .unavailable, message: "Redis at \(settings.address.name) is away: \(reason); a new connection is being tried")
    }
}
