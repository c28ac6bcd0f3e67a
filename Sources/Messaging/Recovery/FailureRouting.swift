import AMQP
import FoundationEssentials
import Runtime

/// How long a message waits before it is tried again, by how often it has failed.
public struct RetryLadder: Sendable {
    /// The rungs' names; each has the queues `retry.<rung>.a` and `.b`, whose delays are 20 % below and above it.
    public static let standard = RetryLadder(rungs: ["1s", "5s", "30s", "2m", "10m"], maximumAttempts: 8)

    public let rungs: [String]
    /// Failed attempts after which a message becomes a dead letter.
    let maximumAttempts: Int

    public static let siblings = ["a", "b"]

    /// The queues of all rungs, with how long a message lies in each.
    public var queues: [(name: String, milliseconds: Int)] {
        rungs.flatMap { rung in
            zip(Self.siblings, [800, 1200]).map { (name: "\(QueueNames.rungPrefix)\(rung).\($0)", milliseconds: Self.seconds(of: rung) * $1) }
        }
    }

    /// The delay of messages published to this exchange; nil if the exchange is not a rung.
    func delay(of exchange: String) -> Duration? {
        queues.first { $0.name == exchange }.map { .milliseconds($0.milliseconds) }
    }

    /// `30s`, `10m`.
    private static func seconds(of rung: String) -> Int {
        (Int(rung.dropLast()) ?? 0) * (rung.hasSuffix("m") ? 60 : 1)
    }

    var firstRung: String { rungs.first ?? "" }

    /// The rung for a message that has just failed for the `attempt`-th time (from 1); nil when that was the last.
    func rung(afterAttempt attempt: Int) -> String? {
        guard attempt < maximumAttempts else { return nil }
        return rungs[min(attempt, rungs.count) - 1]
    }
}

/// Routes messages that could not be handled to the ladder or to the dead letters: the original bytes and properties, with
/// the history of failures in the headers.
struct FailureRouting {
    let ladder: RetryLadder
    let worker: String
    let randomness: any Randomness
    /// The queue's messages contain credentials, which are never stored.
    var redacts = false

    enum Destination: Equatable {
        case retry(rung: String)
        case deadLetter
    }

    func destination(after failure: Failure, attempt: Int) -> Destination {
        guard !redacts, failure.remedy != .deadLetter, let rung = ladder.rung(afterAttempt: attempt + 1) else { return .deadLetter }
        return .retry(rung: rung)
    }

    /// A message of a bundle, sent back to its queue on its own and unchanged: no failure of it is known.
    func publication(apart message: Delivery, queue: String) -> Publication {
        var properties = message.properties
        properties.userID = nil
        properties.headers = properties.headers.filter { !$0.key.hasPrefix("x-") }
        return Publication(exchange: retryExchange(ladder.firstRung), routingKey: queue, properties: properties, body: message.body)
    }

    private func retryExchange(_ rung: String) -> String {
        "\(QueueNames.rungPrefix)\(rung).\(RetryLadder.siblings[randomness.fraction() < 0.5 ? 0 : 1])"
    }

    func publication(
        of delivery: Delivery, attempt: Int, failures: [FailedAttempt], failure: Failure, queue: String, now: Date
    ) -> Publication {
        let latest = FailedAttempt(at: now, worker: worker, cause: failure.cause, detail: failure.detail)
        let history = (failures + [latest]).suffix(FailedAttempt.maximumKept)
        var properties = delivery.properties
        let body = redacts ? FailedMessage.redactedBody : delivery.body
        properties.persistent = true
        properties.expiration = nil
        // The broker compares it with the user of the connection; the sender's was a different one.
        properties.userID = nil
        properties.headers = properties.headers.filter { !$0.key.hasPrefix("x-") }
        properties.headers[HeaderName.early] = nil
        properties.headers[HeaderName.attempt] = .integer(Int64(attempt + 1))
        properties.headers[HeaderName.failures] = .array(history.map(\.fieldValue))
        properties.headers[HeaderName.origin] = .string(queue)
        properties.headers[HeaderName.cause] = .string(failure.cause)
        switch destination(after: failure, attempt: attempt) {
        case .retry(let rung):
            return Publication(
                exchange: retryExchange(rung), routingKey: queue, properties: properties, body: body,
                mandatory: true)
        case .deadLetter:
            return Publication(
                exchange: Exchange.deadLetters, routingKey: queue, properties: properties, body: body,
                mandatory: true)
        }
    }
    /// Announces a message that is on the ladder; nil for a publication to any other exchange.
    func announcement(of publication: Publication, now: Date) -> Publication? {
        ladder.delay(of: publication.exchange).map { announcement(of: publication, until: now.addingTimeInterval($0.seconds)) }
    }

    /// Announces that an early copy has failed, with the error. Its original still waits, with its number of attempts unchanged.
    func announcement(ofFailed copy: Delivery, until due: Date, _ failure: Failure, queue: String, now: Date) -> Publication {
        let failed = publication(of: copy, attempt: copy.attempt - 1, failures: copy.failures, failure: failure, queue: queue, now: now)
        return announcement(of: failed, until: due)
    }

    private func announcement(of publication: Publication, until due: Date) -> Publication {
        var announcement = publication
        announcement.exchange = Exchange.waiting
        announcement.mandatory = false
        announcement.properties.persistent = false
        announcement.properties.headers[HeaderName.due] = .integer(due.headerMilliseconds)
        if announcement.body.count > WaitingMessage.maximumBody {
            announcement.body = []
            announcement.properties.headers[HeaderName.isWithoutBody] = .boolean(true)
        }
        return announcement
    }
}
