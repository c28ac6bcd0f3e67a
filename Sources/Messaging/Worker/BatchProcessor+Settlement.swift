import AMQP
import Contracts
import FoundationEssentials
import Logging
import Metrics
import Runtime
import Traces

/// Settles what has been handled: sends outputs and answers, then acknowledges the deliveries, or sets them aside with their errors.
extension BatchProcessor {
    struct Settlement {
        let delivery: Delivery
        /// Nil for a message that could not be read.
        let request: Request?
        let result: BatchHandler.Result
        /// Of its handling.
        var span: RecordedSpan?

        var attempt: Int { delivery.attempt }

        /// Whether an earlier delivery may have committed and left its outputs to this one: then it must not end without them.
        var mayBeCommitted: Bool { delivery.redelivered || attempt > 0 }

        /// The time at which the original of a failed early copy returns, in which case the copy can be dropped. Nil for any other message, and for a copy whose handling may
        /// have been committed: its outputs must not depend on the original alone, so the copy goes to the ladder itself.
        func originalReturns(after failure: Failure) -> Date? {
            failure.remedy == .askInbox || delivery.redelivered ? nil : delivery.earlyUntil
        }
    }

    private struct Answer {
        let reply: Reply
        let requester: Requester
    }

    func settle(_ settlements: [Settlement], since start: Date, _ timeline: Timeline?, _ acknowledgements: inout Acknowledgements) async {
        let now = clock.now()
        let milliseconds = Int(exactly: (now.timeIntervalSince(start) * 1000).rounded()) ?? 0
        var publications: [Publication] = []
        var owners: [Int] = []
        var answers: [Answer] = []
        var sendings: [Sending] = []
        var tally = WorkerMetrics.Tally()
        var aside: [(owner: Int, publication: Publication)] = []
        var announcements: [Publication] = []
        for (index, settlement) in settlements.enumerated() {
            switch settlement.result {
            case .expired:
                tally.add(settlement.request?.operation, .expired)
            case .handled(let outgoing, let recorded, _):
                tally.add(settlement, outgoing)
                if let request = settlement.request {
                    for (place, message) in outgoing.messages.enumerated() {
                        var publication = message.publication(at: place, of: request, recorded: recorded, now: now)
                        if !message.isAnswer, let sending = beginSending(&publication, of: index) { sendings.append(sending) }
                        publications.append(publication)
                        owners.append(index)
                    }
                    if let reply = outgoing.reply, let requester = request.requester { answers.append(Answer(reply: reply, requester: requester)) }
                }
            case .failed(let failure):
                if let due = settlement.originalReturns(after: failure) {
                    logger.warning("an early copy failed; its original is still on the retry ladder", metadata: metadata(of: settlement, failure))
                    announcements.append(failureRouting.announcement(ofFailed: settlement.delivery, until: due, failure, queue: queue, now: now))
                    tally.add(settlement.request.flatMap { operations[$0.operation]?.key }, .retried)
                    continue
                }
                let (publication, reply) = setAside(settlement, failure, now, &tally)
                if let publication {
                    publications.append(publication)
                    owners.append(index)
                    aside.append((index, publication))
                }
                if let reply, let requester = settlement.request?.requester { answers.append(Answer(reply: reply, requester: requester)) }
            }
        }
        // The answer is true from the commit on; the outputs leave after a redelivery at the latest.
        async let answering: Void = publish(answers)
        let unsettled = await publish(publications, of: owners)
        logHandled(settlements, milliseconds: milliseconds)
        end(sendings, unsettled)
        if let timeline {
            timeline.note(.confirmed)
            logWay(settlements, timeline)
        }
        let settled = settlements.indices.filter { unsettled[$0] == nil }.map { settlements[$0].delivery.tag }
        await answering
        metrics.record(tally, seconds: clock.now().timeIntervalSince(start))
        for message in aside where unsettled[message.owner] == nil {
            announcements += [failureRouting.announcement(of: message.publication, now: now)].compactMap(\.self)
        }
        await announce(announcements)
        endSpans(of: settlements)
        await finish(settled, [], &acknowledgements)
        if !unsettled.isEmpty { await setAsideUnsettled(unsettled.map { (settlements[$0.key], $0.value) }, now, &acknowledgements) }
    }

    /// Publishes; returns the owners of what was not confirmed, each with its failure for the ladder, or nil where the broker accepts nothing.
    private func publish(_ publications: [Publication], of owners: [Int]) async -> [Int: Failure?] {
        guard !publications.isEmpty else { return [:] }
        var unsettled: [Int: Failure?] = [:]
        let sent = Bundle.pack(publications)
        for (outcome, (publication, places)) in zip(await retrying.publish(sent.map(\.publication)), sent) {
            let way = "\(publication.exchange) → \(publication.routingKey)"
            let failure: Failure?
            switch outcome {
            case .confirmed: continue
            case .returned(_, let reason): failure = Failure("unroutable", "\(way): \(reason)", remedy: .retry)
            case .refused: failure = Failure("queue-full", "\(way) refused the message", remedy: .retry)
            case .failed(let error):
                logger.warning("could not publish", metadata: ["error": "\(error.message)", "queue": "\(queue)"])
                failure = retrying.isOpen ? Failure("not-confirmed", "\(way): \(error.message)", remedy: .retry) : nil
            }
            for place in places { unsettled[owners[place]] = .some(failure) }
        }
        return unsettled
    }

    private func publish(_ answers: [Answer]) async {
        guard !answers.isEmpty else { return }
        let together = answers.filter(\.requester.opensBundles).map { $0.reply.publication(to: $0.requester) }
        let alone = answers.filter { !$0.requester.opensBundles }.map { $0.reply.publication(to: $0.requester) }
        for case .failed(let error) in await replies.publish(Bundle.pack(together).map(\.publication) + alone) {
            // The requester runs into its deadline and may ask again: the inbox has the answer.
            logger.warning("could not send replies", metadata: ["error": "\(error.message)", "queue": "\(queue)"])
            return
        }
    }

    /// The outputs could not be sent: the input waits on the ladder; the inbox has the outputs, so they are sent when it returns.
    private func setAsideUnsettled(
        _ unsettled: [(Settlement, Failure?)], _ now: Date, _ acknowledgements: inout Acknowledgements
    ) async {
        var tags: [DeliveryTag] = []
        var publications: [Publication] = []
        var release: [DeliveryTag] = []
        for (settlement, failure) in unsettled {
            // A message with credentials never waits on the ladder; however often it is released, it expires in its queue.
            guard let failure, !failureRouting.redacts, case .handled = settlement.result else {
                release.append(settlement.delivery.tag)
                continue
            }
            logger.error("could not send on", metadata: metadata(of: settlement, failure))
            publications.append(
                failureRouting.publication(
                    of: settlement.delivery, attempt: settlement.attempt, failures: settlement.delivery.failures, failure: failure,
                    queue: queue, now: now))
            tags.append(settlement.delivery.tag)
        }
        await replace(tags, by: publications, releasing: release, failedAt: now, &acknowledgements)
    }

    /// Where a failed message goes, and the reply to its requester.
    private func setAside(_ settlement: Settlement, _ failure: Failure, _ now: Date, _ tally: inout WorkerMetrics.Tally) -> (Publication?, Reply?) {
        let metadata = metadata(of: settlement, failure)
        let operation = settlement.request.flatMap { operations[$0.operation]?.key }
        if let reply = answerInstead(settlement, failure) {
            tally.add(operation, .refused)
            logger.warning("rejected for now", metadata: metadata)
            return (nil, reply)
        }
        let publication = failureRouting.publication(
            of: settlement.delivery, attempt: settlement.attempt, failures: settlement.delivery.failures, failure: failure,
            queue: queue, now: now)
        switch failureRouting.destination(after: failure, attempt: settlement.attempt) {
        case .deadLetter:
            tally.add(operation, .deadLettered)
            metrics.deadLettered.increment()
            logger.error("dead letter", metadata: metadata)
            return (publication, Reply(.internalError("The request could not be carried out; it is kept for the operators.")))
        case .retry(let rung):
            tally.add(operation, .retried)
            metrics.retried(on: rung)
            logger.warning("will be tried again", metadata: metadata)
            return (publication, nil)
        }
    }

    /// The reply where the message itself ends here, since the requester can ask again: its deadline is shorter than the ladder's delays,
    /// or it contains credentials, and a dead letter without its body could never be replayed.
    ///
    /// Nil for a message that may have been committed: it climbs the ladder, so that its outputs leave if it was. Its requester receives the result, or
    /// nothing until the deadline, because the outcome is unknown.
    private func answerInstead(_ settlement: Settlement, _ failure: Failure) -> Reply? {
        guard failure.remedy != .deadLetter, let request = settlement.request, request.requester != nil else { return nil }
        let mayBeCommitted = settlement.mayBeCommitted || failure.remedy == .askInbox
        if failureRouting.redacts { return Reply(mayBeCommitted ? .outcomeUnknown(request) : .refusedForNow) }
        guard request.deadline != nil, !mayBeCommitted else { return nil }
        return failureRouting.destination(after: failure, attempt: settlement.attempt) == .deadLetter ? nil : Reply(.refusedForNow)
    }
}

extension WorkerMetrics.Tally {
    fileprivate mutating func add(_ settlement: BatchProcessor.Settlement, _ outgoing: OutgoingMessages) {
        guard !settlement.result.isRepeated else { return add(settlement.request?.operation, .repeated) }
        switch outgoing.reply?.status ?? 200 {
        case 400..<500: add(settlement.request?.operation, .rejected)
        case 500...: add(settlement.request?.operation, .failed)
        default: add(settlement.request?.operation, .handled)
        }
        for message in outgoing.messages where !message.isAnswer { send(message.key) }
    }
}

extension Problem {
    fileprivate static let refusedForNow = Problem.unavailable("The request could not be carried out at the moment. Nothing was done.")

    fileprivate static func outcomeUnknown(_ request: Request) -> Problem {
        let hasKey = request.parameters[Request.idempotencyKey] != nil
        let advice =
            hasKey
            ? "A retry with the same Idempotency-Key is safe; a different key may carry it out twice."
            : "Check whether it was before you send it again."
        return Problem(
            "timeout", title: "No reply in time", status: 504, detail: "It is not known whether the request was carried out. \(advice)",
            retryable: hasKey)
    }
}
