import AMQP
import Contracts
import FoundationEssentials
import Logging
import Metrics
import PostgreSQL

/// Takes what has gathered in one queue from delivery to settlement: handle, publish what follows, wait for the broker's confirms, acknowledge.
struct BatchProcessor: Sendable {
    /// Before a message goes back to a queue because nothing could be published for it, so that it does not spin.
    static let releasePause: Duration = .seconds(1)
    /// Deliveries of one message, after which it is suspected of killing workers: suspects are handled one by one in random order, so that a
    /// killer takes fewer neighbours with it at each round and is alone long before the broker's delivery limit.
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
    let setAside: SetAside
    let clock: any WallClock
    let metrics: WorkerMetrics
    let logger: Logger

    private struct Work {
        let delivery: Delivery
        let request: Request
    }

    func process(_ deliveries: [Delivery]) async {
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
        let shuffled = suspects.map { ($0, setAside.randomness.fraction()) }.sorted { $0.1 < $1.1 }.map(\.0)
        for suspect in shuffled { await settleTogether([suspect], &acknowledgements) }
    }

    /// One of a bundle's messages may be what kills the workers that it comes to: from here on each travels, and is counted by the broker, by itself.
    private func takeApart(_ messages: [Delivery], _ acknowledgements: inout Acknowledgements) async {
        await replace(messages.map(\.tag), by: messages.map { setAside.publication(apart: $0, queue: queue) }, releasing: [], &acknowledgements)
    }

    /// Takes each delivery as done once the publication in its place is confirmed; gives it back, as those of `releasing`, when it is not.
    private func replace(
        _ tags: [DeliveryTag], by publications: [Publication], releasing: [DeliveryTag], _ acknowledgements: inout Acknowledgements
    ) async {
        var done: [DeliveryTag] = []
        var release = releasing
        for (tag, outcome) in zip(tags, await publisher.publish(publications)) {
            if case .confirmed = outcome { done.append(tag) } else { release.append(tag) }
        }
        await finish(done, release, &acknowledgements)
    }

    /// Tells the broker what has been taken care of, and gives back the rest after a pause.
    private func finish(_ done: [DeliveryTag], _ release: [DeliveryTag], _ acknowledgements: inout Acknowledgements) async {
        let (done, release) = (acknowledgements.done(done), acknowledgements.release(release))
        if !done.isEmpty { await consumer.acknowledge(done) }
        guard !release.isEmpty else { return }
        try? await clock.sleep(for: Self.releasePause)
        await consumer.release(release)
    }

    private func settleTogether(_ deliveries: [Delivery], _ acknowledgements: inout Acknowledgements) async {
        metrics.batchSize.record(deliveries.count)
        var settlements: [Settlement] = []
        var queries: [Work] = []
        var commands: [Work] = []
        let now = clock.now()
        for delivery in deliveries {
            do throws(Failure) {
                let request = try Request(delivery)
                guard let operation = operations[request.operation] else {
                    throw Failure("unknown-operation", "'\(request.operation.prefix(100))' is no operation of \(queue)")
                }
                if let deadline = request.deadline, deadline < now {
                    metrics.expired.increment()
                    settlements.append(Settlement(delivery: delivery, request: request, result: .handled(outputs: [], reply: nil)))
                } else if case .query = operation.handler {
                    queries.append(Work(delivery: delivery, request: request))
                } else {
                    commands.append(Work(delivery: delivery, request: request))
                }
            } catch {
                settlements.append(Settlement(delivery: delivery, request: nil, result: .failed(error)))
            }
        }
        if !queries.isEmpty {
            let results = await answer(queries.map(\.request))
            settlements += zip(queries, results).map { Settlement(delivery: $0.delivery, request: $0.request, result: $1) }
        }
        if !commands.isEmpty {
            let results = await handler.handle(commands.map(\.request), by: operations)
            settlements += zip(commands, results).map { Settlement(delivery: $0.delivery, request: $0.request, result: $1) }
        }
        await settle(settlements, &acknowledgements)
    }

    private func answer(_ requests: [Request]) async -> [BatchHandler.Result] {
        var results = [BatchHandler.Result?](repeating: nil, count: requests.count)
        let groups = Dictionary(grouping: requests.indices) { requests[$0].operation }
        for (key, indices) in groups {
            guard case .query(let handle)? = operations[key]?.handler else { continue }
            let outcomes = await ask(indices.map { requests[$0] }, handle)
            for (index, outcome) in zip(indices, outcomes) { results[index] = outcome }
        }
        return results.map { $0 ?? .failed(Failure("handler-miscount", "no outcome")) }
    }

    private func ask(
        _ requests: [Request], _ handle: @Sendable ([Request], any Database) async throws -> [Outcome]
    ) async -> [BatchHandler.Result] {
        do {
            let outcomes = try await handle(requests, database)
            try expect(outcomes.count, requests.count, "outcomes")
            return outcomes.map { outcome in
                switch outcome {
                case .done(let reply, _): .handled(outputs: [], reply: reply)
                case .failed(let failure): .failed(failure)
                }
            }
        } catch {
            guard requests.count > 1 else {
                let failure = Failure(error)
                guard failure.remedy != .deadLetter else { return [.failed(failure)] }
                // A query is asked again by who needs it, not by the ladder.
                return [.handled(outputs: [], reply: Reply(.unavailable("The service cannot reach its data at the moment.")))]
            }
            var results: [BatchHandler.Result] = []
            for request in requests { results += await ask([request], handle) }
            return results
        }
    }
}

// MARK: - Settlement

extension BatchProcessor {
    private struct Settlement {
        let delivery: Delivery
        /// Nil for a message that could not be read.
        let request: Request?
        let result: BatchHandler.Result
    }

    private struct Answer {
        let reply: Reply
        let requester: Requester
    }

    private func settle(_ settlements: [Settlement], _ acknowledgements: inout Acknowledgements) async {
        let now = clock.now()
        var publications: [Publication] = []
        var owners: [Int] = []
        var answers: [Answer] = []
        for (index, settlement) in settlements.enumerated() {
            switch settlement.result {
            case .handled(let outputs, let recorded, let reply):
                metrics.handled.increment()
                if let request = settlement.request {
                    for (place, output) in outputs.enumerated() {
                        guard let publication = output.publication(at: place, of: request, recorded: recorded, now: now) else { continue }
                        publications.append(publication)
                        owners.append(index)
                    }
                    if let reply, let requester = request.requester { answers.append(Answer(reply: reply, requester: requester)) }
                }
            case .failed(let failure):
                let (publication, reply) = setAside(settlement, failure, now)
                if let publication {
                    publications.append(publication)
                    owners.append(index)
                }
                if let reply, let requester = settlement.request?.requester { answers.append(Answer(reply: reply, requester: requester)) }
            }
        }
        // The answer is true from the commit on; what follows from it is on its way at the latest after a redelivery.
        async let answering: Void = publish(answers)
        var unsettled: [Int: Failure?] = [:]
        if !publications.isEmpty {
            let sent = Bundle.pack(publications)
            for (outcome, (publication, places)) in zip(await publisher.publish(sent.map(\.publication)), sent) {
                let failure: Failure?
                switch outcome {
                case .confirmed: continue
                case .returned(_, let reason):
                    failure = Failure("unroutable", "\(publication.exchange) → \(publication.routingKey): \(reason)", remedy: .retry)
                case .refused:
                    failure = Failure(
                        "queue-full", "\(publication.exchange) → \(publication.routingKey) refused the message", remedy: .retry)
                case .failed(let error):
                    logger.warning("could not publish", metadata: ["error": "\(error.message)", "queue": "\(queue)"])
                    failure = nil
                }
                for place in places { unsettled[owners[place]] = .some(failure) }
            }
        }
        let settled = settlements.indices.filter { unsettled[$0] == nil }.map { settlements[$0].delivery.tag }
        await answering
        await finish(settled, [], &acknowledgements)
        if !unsettled.isEmpty { await setAsideUnsettled(unsettled.map { (settlements[$0.key], $0.value) }, now, &acknowledgements) }
    }

    private func publish(_ answers: [Answer]) async {
        guard !answers.isEmpty else { return }
        let together = answers.filter(\.requester.opensBundles).map { $0.reply.publication(to: $0.requester) }
        let alone = answers.filter { !$0.requester.opensBundles }.map { $0.reply.publication(to: $0.requester) }
        for case .failed(let error) in await replies.publish(Bundle.pack(together).map(\.publication) + alone) {
            // Whoever asked runs into the deadline and may ask again: the inbox has the answer.
            logger.warning("could not send replies", metadata: ["error": "\(error.message)", "queue": "\(queue)"])
            return
        }
    }

    /// What could not be sent on: the input waits on the ladder; the inbox has its outputs, so that they are sent when it comes back.
    private func setAsideUnsettled(
        _ unsettled: [(Settlement, Failure?)], _ now: Date, _ acknowledgements: inout Acknowledgements
    ) async {
        var tags: [DeliveryTag] = []
        var publications: [Publication] = []
        var release: [DeliveryTag] = []
        for (settlement, failure) in unsettled {
            guard let failure, case .handled = settlement.result else {
                release.append(settlement.delivery.tag)
                continue
            }
            logger.error("could not send on", metadata: ["cause": "\(failure.cause)", "detail": "\(failure.detail)", "queue": "\(queue)"])
            publications.append(
                setAside.publication(
                    of: settlement.delivery, attempt: settlement.request?.attempt ?? 0,
                    failures: settlement.request?.failures ?? [], failure: failure, queue: queue, now: now))
            tags.append(settlement.delivery.tag)
        }
        await replace(tags, by: publications, releasing: release, &acknowledgements)
    }

    /// Where a failed message goes, and what its requester is told.
    private func setAside(_ settlement: Settlement, _ failure: Failure, _ now: Date) -> (Publication?, Reply?) {
        let attempt = settlement.request?.attempt ?? 0
        let metadata: Logger.Metadata = [
            "cause": "\(failure.cause)", "detail": "\(failure.detail)", "queue": "\(queue)", "attempt": "\(attempt + 1)",
            "message": "\(settlement.delivery.properties.messageID ?? "-")",
            "operation": "\(settlement.request?.operation ?? "-")",
        ]
        let destination = setAside.destination(after: failure, attempt: attempt)
        if destination != .deadLetter, settlement.request?.deadline != nil {
            // Its deadline is shorter than what the ladder is for: whoever waits is told to try again.
            metrics.retried.increment()
            logger.warning("refused for now", metadata: metadata)
            return (nil, Reply(.unavailable("The request could not be carried out at the moment.")))
        }
        let publication = setAside.publication(
            of: settlement.delivery, attempt: attempt, failures: settlement.request?.failures ?? [], failure: failure,
            queue: queue, now: now)
        if destination == .deadLetter {
            metrics.deadLettered.increment()
            logger.error("dead letter", metadata: metadata)
            return (publication, Reply(.internalError("The request could not be carried out; it is kept for the operators.")))
        }
        metrics.retried.increment()
        logger.warning("will be tried again", metadata: metadata)
        return (publication, nil)
    }
}

extension Delivery {
    /// How often the broker has handed this message out before.
    var deliveryCount: Int {
        if case .integer(let count)? = properties.headers["x-delivery-count"] { return Int(clamping: count) }
        return 0
    }
}
