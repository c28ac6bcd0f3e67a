import IOThreads
import Logging
import Synchronization

/// One thread that carries out transfers, and the mailbox through which tasks hand them over.
final class TransferLoop: Sendable {
    /// How long the thread sleeps when there is nothing to do; a wake-up cuts it short.
    private static let idleWait: Duration = .seconds(60)

    private struct Mailbox {
        var queue: TransferQueue<Transfer>
        var starting: [Transfer] = []
        var dropped: [Transfer] = []
        /// Nil once the loop is closed.
        var handle: MultiHandle?
    }

    private struct Work {
        var starting: [Transfer]
        var dropped: [Transfer]
        var expired: [Transfer]
        var nextDeadline: ContinuousClock.Instant?
    }

    private let mailbox: Mutex<Mailbox>
    private let logger: Logger

    init(limits: TransferQueue<Transfer>.Limits, settings: TransferEngine.Settings, logger: Logger) {
        self.logger = logger
        mailbox = Mutex(Mailbox(queue: TransferQueue(limits: limits), handle: nil))
        guard let handle = MultiHandle() else {
            logger.info("libcurl could not be set up; every request will fail")
            return
        }
        mailbox.withLock { $0.handle = handle }
        let isRunning = startThread(named: "http-client") { [self] in
            run(TransferEngine(handle, settings))
        }
        guard isRunning else {
            logger.info("the system gave no thread; every request will fail")
            mailbox.withLock { $0.handle = nil }
            handle.free()
            return
        }
    }

    /// Carries the transfer out, and returns when it is settled. When the task is cancelled it is settled at once.
    func run(_ transfer: Transfer) async -> Transfer.Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.attach(continuation)
                submit(transfer)
            }
        } onCancel: {
            cancel(transfer)
        }
    }

    /// Fails everything that runs or waits, and everything that comes later. The thread ends by itself. May be called again.
    func shutDown() {
        mailbox.withLock { mailbox in
            mailbox.handle?.wakeUp()
            mailbox.handle = nil
        }
    }

    private func submit(_ transfer: Transfer) {
        enum Refusal { case closed, full }
        let refusal: Refusal? = mailbox.withLock { mailbox in
            guard let handle = mailbox.handle else { return .closed }
            // Cancelled before it came here, where the cancellation did not find it.
            guard !transfer.isSettled else { return nil }
            switch mailbox.queue.admit(transfer, host: transfer.destination.authority, deadline: transfer.deadline) {
            case .refuse: return .full
            case .start: mailbox.starting.append(transfer)
            case .wait: break
            }
            handle.wakeUp()
            return nil
        }
        switch refusal {
        case nil: break
        case .closed: transfer.fail(.shutDown, "The web client has been shut down")
        case .full: transfer.fail(.overloaded, "As many requests as allowed are running and waiting already")
        }
    }

    private func cancel(_ transfer: Transfer) {
        guard transfer.fail(.cancelled, "The task that asked was cancelled") else { return }
        mailbox.withLock { mailbox in
            guard let handle = mailbox.handle, !mailbox.queue.withdraw(transfer) else { return }
            mailbox.dropped.append(transfer)
            handle.wakeUp()
        }
    }

    // MARK: On the thread

    private func run(_ engine: TransferEngine) {
        while let work = takeWork() {
            for transfer in work.expired {
                transfer.fail(.timedOut, "\(transfer.destination.authority): the time was up before a connection was free")
            }
            var ended: [TransferEngine.Ended] = []
            for transfer in work.starting {
                if let outcome = engine.start(transfer) { ended.append((transfer, outcome)) }
            }
            let dropped = work.dropped.filter { engine.drop($0) }
            let finished = engine.perform()
            ended += finished ?? []
            // Room is made before any task is resumed, so that a task that asks again at once finds it.
            let othersMayStart = release(dropped + ended.map(\.transfer))
            for (transfer, outcome) in ended { transfer.settle(outcome) }
            guard finished != nil else { break }
            guard !othersMayStart else { continue }
            let time = work.nextDeadline.map { min($0 - .now, Self.idleWait) } ?? Self.idleWait
            guard engine.wait(atMost: time) else { break }
        }
        close(engine)
    }

    /// Nil when the loop is closed.
    private func takeWork() -> Work? {
        mailbox.withLock { mailbox in
            guard mailbox.handle != nil else { return nil }
            let expired = mailbox.queue.expire(at: .now)
            defer {
                mailbox.starting = []
                mailbox.dropped = []
            }
            return Work(
                starting: mailbox.starting, dropped: mailbox.dropped, expired: expired, nextDeadline: mailbox.queue.nextDeadline)
        }
    }

    /// True when others may start in their place.
    private func release(_ ended: [Transfer]) -> Bool {
        guard !ended.isEmpty else { return false }
        return mailbox.withLock { mailbox in
            for transfer in ended {
                mailbox.starting += mailbox.queue.release(host: transfer.destination.authority)
            }
            return !mailbox.starting.isEmpty
        }
    }

    private func close(_ engine: TransferEngine) {
        let unstarted = mailbox.withLock { mailbox in
            if mailbox.handle != nil { logger.info("libcurl failed; the web client has shut itself down") }
            // From here on nothing wakes the handle, so it can be freed.
            mailbox.handle = nil
            return mailbox.queue.removeAll() + mailbox.starting
        }
        for transfer in unstarted + engine.close() {
            transfer.fail(.shutDown, "The web client was shut down before the request had ended")
        }
    }
}
