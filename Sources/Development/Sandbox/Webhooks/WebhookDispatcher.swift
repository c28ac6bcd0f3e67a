import Logging
import ServiceLifecycle
import Synchronization
import WebClient

/// Delivers events in the background: at least once, in no promised order, until a 2xx or until the attempts are used up.
final class WebhookDispatcher: Service {
    static let maximumConcurrentDeliveries = 16
    static let deliveryTimeout = Duration.seconds(10)

    /// For observers of the sandbox.
    struct Counts: Sendable, Equatable {
        var delivered = 0
        var failedAttempts = 0
        var abandoned = 0
        /// Rejected, because the queue was full.
        var refused = 0
    }

    private struct State {
        var queue = DeliveryQueue()
        var inFlight = 0
        var counts = Counts()
    }

    private let url: String
    /// The types of events that are delivered; nil for all.
    private let types: Set<String>?
    /// The headers that sign a body, at a time in seconds since 1970.
    private let sign: @Sendable ([UInt8], Int) -> [(name: String, value: String)]
    private let transport: any HTTPTransport
    private let logger: Logger
    private let secondsSince1970: @Sendable () -> Int
    /// Receives the id of every event that needs no more delivery.
    private let onSettled: @Sendable (String) async -> Void
    private let state = Mutex(State())
    private let wakeup = Wakeup()

    init(
        url: String, types: Set<String>? = nil, sign: @escaping @Sendable ([UInt8], Int) -> [(name: String, value: String)], transport: any HTTPTransport, logger: Logger,
        secondsSince1970: @escaping @Sendable () -> Int, onSettled: @escaping @Sendable (String) async -> Void
    ) {
        self.url = url
        self.types = types
        self.sign = sign
        self.transport = transport
        self.logger = logger
        self.secondsSince1970 = secondsSince1970
        self.onSettled = onSettled
    }

    var counts: Counts { state.withLock { $0.counts } }
    var queued: Int { state.withLock { $0.queue.count + $0.inFlight } }

    /// Queues the event once for each of `delays`, if its type is one of those that are delivered.
    func enqueue(eventID: String, type: String, body: [UInt8], delays: [Duration]) {
        guard types?.contains(type) ?? true else { return }
        let now = ContinuousClock.now
        for delay in delays {
            queue(WebhookDelivery(eventID: eventID, body: body), due: now + delay)
        }
    }

    /// Delivers until shutdown; events that are still queued then are left to the journal.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    let (due, wakeAt) = self.takeDue()
                    for delivery in due {
                        group.addTask { await self.deliver(delivery) }
                    }
                    await self.wakeup.wait(until: wakeAt)
                }
                group.cancelAll()
            }
        }
    }

    /// The deliveries that may be sent now, and when to check again: at no set time while every slot is taken, since its end wakes this.
    private func takeDue() -> (due: [WebhookDelivery], wakeAt: ContinuousClock.Instant?) {
        state.withLock { state in
            let due = state.queue.takeDue(at: .now, limit: Self.maximumConcurrentDeliveries - state.inFlight)
            state.inFlight += due.count
            return (due, state.inFlight < Self.maximumConcurrentDeliveries ? state.queue.nextDue : nil)
        }
    }

    private func deliver(_ delivery: WebhookDelivery) async {
        let isAccepted = await send(delivery)
        if isAccepted {
            await onSettled(delivery.eventID)
            state.withLock { $0.counts.delivered += 1 }
        } else if !Task.isCancelled {
            await scheduleAgain(delivery)
        }
        state.withLock { $0.inFlight -= 1 }
        wakeup.signal()
    }

    private func send(_ delivery: WebhookDelivery) async -> Bool {
        let request = WebRequest(
            method: "POST", url: url,
            headers: [("Content-Type", "application/json; charset=utf-8")] + sign(delivery.body, secondsSince1970()),
            body: delivery.body, timeout: Self.deliveryTimeout)
        do {
            let response = try await transport.send(request)
            guard !(200..<300).contains(response.status) else { return true }
            logger.debug("webhook refused", metadata: ["event.id": "\(delivery.eventID)", "http.status": "\(response.status)"])
        } catch {
            logger.debug("webhook not delivered", metadata: ["event.id": "\(delivery.eventID)", "error": "\(error)"])
        }
        return false
    }

    private func scheduleAgain(_ delivery: WebhookDelivery) async {
        var delivery = delivery
        delivery.failures += 1
        state.withLock { $0.counts.failedAttempts += 1 }
        guard let delay = DeliveryRetry.delay(afterFailures: delivery.failures, jitter: .random(in: 0...1)) else {
            state.withLock { $0.counts.abandoned += 1 }
            logger.warning("webhook given up", metadata: ["event.id": "\(delivery.eventID)", "attempts": "\(delivery.failures)"])
            return await onSettled(delivery.eventID)
        }
        queue(delivery, due: .now + delay)
    }

    private func queue(_ delivery: WebhookDelivery, due: ContinuousClock.Instant) {
        let isQueued = state.withLock { state in
            let isQueued = state.queue.add(delivery, due: due)
            if !isQueued { state.counts.refused += 1 }
            return isQueued
        }
        guard isQueued else {
            return logger.warning("webhook dropped: the queue is full", metadata: ["event.id": "\(delivery.eventID)"])
        }
        wakeup.signal()
    }
}
