import AMQP
import Contracts
import FoundationEssentials
import Logging
import Metrics
import PostgreSQL
import Runtime
import Traces

/// Takes the gathered messages of one queue from delivery to settlement: handle, publish the outputs, wait for the broker's confirms, acknowledge.
struct BatchProcessor: Sendable {
    /// The pause before a message returns to a queue because nothing could be published for it, so that it does not spin.
    static let releasePause: Duration = .seconds(1)
    /// Deliveries of one message after which it is suspected of killing workers: suspects are handled one by one in random order, so that a
    /// killer takes fewer neighbours with it at each round and is isolated long before the broker's delivery limit.
    /// A bundle under suspicion is taken apart.
    static let suspectAfter = 2

    let queue: String
    /// The most messages in one transaction.
    let limit: Int
    let operations: [String: Operation]
    let handler: BatchHandler
    let database: any Database
    let consumer: any MessageConsumer
    /// Confirms: for what must not be lost.
    let publisher: any MessagePublisher
    /// No confirms: for replies.
    let replies: any MessagePublisher
    let failureRouting: FailureRouting
    let clock: any WallClock
    let metrics: WorkerMetrics
    /// The metrics of this queue.
    let held: HeldMessages
    let logger: Logger
    /// Nil where nothing is traced.
    var tracer: SpanTracer?

    /// For what must not be lost.
    var retrying: RetryingPublisher { RetryingPublisher(publisher: publisher, clock: clock) }

    private struct Work {
        let delivery: Delivery
        let request: Request
        let span: RecordedSpan?
    }

    func process(_ deliveries: [Delivery]) async {
        let batch = note(deliveries)
        defer { if let batch { held.settled(batch) } }
        var acknowledgements = Acknowledgements()
        var calm: [Delivery] = []
        var suspects: [Delivery] = []
        var apart: [Delivery] = []
        for delivery in deliveries {
            let messages = Bundle.open(delivery)
            acknowledgements.expect(messages.count, of: delivery.tag)
            if delivery.deliveryCount < Self.suspectAfter {
                calm += messages
            } else if messages.count == 1 {
                suspects += messages
            } else {
                apart += messages
            }
        }
        if !apart.isEmpty { await takeApart(apart, &acknowledgements) }
        for start in stride(from: 0, to: calm.count, by: limit) {
            await settleTogether(Array(calm[start..<min(start + limit, calm.count)]), &acknowledgements)
        }
        let shuffled = suspects.map { ($0, failureRouting.randomness.fraction()) }.sorted { $0.1 < $1.1 }.map(\.0)
        for suspect in shuffled { await settleTogether([suspect], &acknowledgements) }
    }

    /// Records the time that the oldest of the messages has waited.
    private func note(_ deliveries: [Delivery]) -> UInt64? {
        guard let oldest = deliveries.compactMap(\.queuedAt).min() else { return nil }
        metrics.wait.record(max(0, clock.now().timeIntervalSince(oldest)))
        return held.took(oldest)
    }

    /// One of a bundle's messages may be what kills its workers: from here on each travels on its own, and the broker counts its deliveries separately.
    private func takeApart(_ messages: [Delivery], _ acknowledgements: inout Acknowledgements) async {
        await replace(messages.map(\.tag), by: messages.map { failureRouting.publication(apart: $0, queue: queue) }, releasing: [], &acknowledgements)
    }

    /// Settles each delivery once the publication in its place is confirmed; releases it, with those of `releasing`, when it is not.
    /// - Parameter failedAt: The time at which these messages failed, for their announcements; nil for messages that did not fail.
    func replace(
        _ tags: [DeliveryTag], by publications: [Publication], releasing: [DeliveryTag], failedAt: Date? = nil, _ acknowledgements: inout Acknowledgements
    ) async {
        var done: [DeliveryTag] = []
        var release = releasing
        var announcements: [Publication] = []
        for (place, outcome) in await retrying.publish(publications).enumerated() {
            if case .confirmed = outcome {
                done.append(tags[place])
                if let failedAt { announcements += [failureRouting.announcement(of: publications[place], now: failedAt)].compactMap(\.self) }
            } else {
                release.append(tags[place])
            }
        }
        await announce(announcements)
        await finish(done, release, &acknowledgements)
    }

    /// Acknowledges the settled deliveries, and releases the rest after a pause.
    func finish(_ done: [DeliveryTag], _ release: [DeliveryTag], _ acknowledgements: inout Acknowledgements) async {
        let (done, release) = (acknowledgements.done(done), acknowledgements.release(release))
        if !done.isEmpty { await consumer.acknowledge(done) }
        guard !release.isEmpty else { return }
        try? await clock.sleep(for: Self.releasePause)
        await consumer.release(release)
    }

    /// Announces messages on the ladder. Losing an announcement only hides its message, so announcements are neither confirmed nor repeated.
    func announce(_ announcements: [Publication]) async {
        guard !announcements.isEmpty, replies.isConnected, !replies.isBlocked else { return }
        for case .failed(let error) in await replies.publish(announcements) {
            logger.info("could not announce messages on the retry ladder", metadata: ["error": "\(error.message)", "queue": "\(queue)"])
            return
        }
    }

    private func settleTogether(_ deliveries: [Delivery], _ acknowledgements: inout Acknowledgements) async {
        metrics.batchSize.record(deliveries.count)
        var settlements: [Settlement] = []
        var queries: [Work] = []
        var commands: [Work] = []
        let now = clock.now()
        let timeline = Timeline(logger, clock)
        timeline?.note(.taken)
        for delivery in deliveries {
            do throws(Failure) {
                try Bundle.check(delivery)
                var request = try Request(delivery)
                guard let operation = operations[request.operation] else {
                    throw Failure(unknown: request.operation)
                }
                let span = beginSpan(of: &request, in: delivery, batch: deliveries.count, at: now)
                if delivery.mayMeetItsOriginal(in: operation, at: now) {
                    settlements.append(
                        Settlement(
                            delivery: delivery, request: request, result: .handled(OutgoingMessages(), note: "the original of this copy is about to return"),
                            span: span))
                } else if case .query = operation.handler {
                    if let deadline = request.deadline, deadline < now {
                        settlements.append(Settlement(delivery: delivery, request: request, result: .expired, span: span))
                    } else {
                        queries.append(Work(delivery: delivery, request: request, span: span))
                    }
                } else {
                    // Late or not: the inbox is asked first, since a committed message never expires.
                    commands.append(Work(delivery: delivery, request: request, span: span))
                }
            } catch {
                settlements.append(Settlement(delivery: delivery, request: nil, result: .failed(error)))
            }
        }
        if !queries.isEmpty {
            let results = await answer(queries.map(\.request))
            settlements += zip(queries, results).map { Settlement(delivery: $0.delivery, request: $0.request, result: $1, span: $0.span) }
        }
        if !commands.isEmpty {
            var handler = handler
            handler.timeline = timeline
            let results = await handler.handle(commands.map(\.request), by: operations)
            settlements += zip(commands, results).map { Settlement(delivery: $0.delivery, request: $0.request, result: $1, span: $0.span) }
        }
        timeline?.note(.handled)
        await settle(settlements, since: now, timeline, &acknowledgements)
    }

    private func answer(_ requests: [Request]) async -> [BatchHandler.Result] {
        await requests.mapGrouped(by: \.operation) { key, requests in
            guard case .query(let handle)? = operations[key]?.handler else { return requests.map { .failed(Failure(unknown: $0.operation)) } }
            return await ask(requests, handle)
        }
    }

    private func ask(
        _ requests: [Request], _ handle: @Sendable ([Request], any Database) async throws -> [Outcome]
    ) async -> [BatchHandler.Result] {
        do {
            let outcomes = try await requests.traced { try await handle(requests, database) }
            return outcomes.map { outcome in
                switch outcome {
                case .done(let reply, _, _): .handled(OutgoingMessages(reply: reply))
                case .ignored(let note): .handled(OutgoingMessages(), note: note)
                case .failed(let failure): .failed(failure)
                }
            }
        } catch {
            let failure = Failure(error)
            guard requests.count > 1, failure.remedy != .waitForServer else {
                guard failure.remedy != .deadLetter else { return [.failed(failure)] }
                logger.warning("queries were rejected", metadata: [LogKey.cause: "\(failure.cause)", LogKey.detail: "\(failure.detail)", LogKey.queue: "\(queue)"])
                // The requester repeats a query, not the ladder.
                let reply = Reply(.unavailable("The service cannot reach its data at the moment."))
                return requests.map { _ in .handled(OutgoingMessages(reply: reply)) }
            }
            var results: [BatchHandler.Result] = []
            for request in requests { results += await ask([request], handle) }
            return results
        }
    }
}

extension Delivery {
    /// True if this is an early copy that may call another service at the same time as its original (``EarlyCopy/externalMargin``).
    fileprivate func mayMeetItsOriginal(in operation: Operation, at now: Date) -> Bool {
        guard let due = earlyUntil, case .external = operation.handler else { return false }
        return due.timeIntervalSince(now) < EarlyCopy.externalMargin.seconds
    }

    /// How often the broker has delivered this message before.
    var deliveryCount: Int {
        if case .integer(let count)? = properties.headers["x-delivery-count"] { return Int(clamping: count) }
        return 0
    }
}
