import AMQP
import FoundationEssentials
import Messaging

/// Why, where and after how many attempts a message died, according to its headers.
struct Death: Sendable {
    let queue: String
    let cause: String
    let detail: String
    let attempts: Int
    let history: [FailedAttempt]

    init(_ delivery: Delivery) {
        let headers = delivery.properties.headers
        let failures = Self.failures(headers[DeathHeader.failures])
        history = Array(failures.suffix(NewLetter.maximumHistory))
        attempts = Int(Int32(clamping: max(0, headers[DeathHeader.attempt]?.integer ?? 0)))
        if let broker = Self.brokersReason(headers) {
            // A worker removes the broker's headers from messages it sets aside, so where they are present the broker acted last.
            queue = broker.queue ?? headers[DeathHeader.origin]?.string ?? delivery.routingKey
            cause = "broker-" + broker.reason.map { $0 == "_" ? "-" : String($0) }.joined()
            detail = Self.explanations[broker.reason] ?? "the broker dead-lettered it: \(broker.reason)"
        } else {
            queue = headers[DeathHeader.origin]?.string ?? delivery.routingKey
            cause = headers[DeathHeader.cause]?.string ?? failures.last?.cause ?? "unknown"
            detail = failures.last?.detail ?? "the message does not say why it is here"
        }
    }

    private static let explanations = [
        "delivery_limit": "it was delivered repeatedly without an answer; it may be what crashes its workers",
        "rejected": "a consumer rejected it",
        "expired": "it waited in its queue for longer than allowed",
        "maxlen": "its queue was full",
    ]

    private static func brokersReason(_ headers: [String: FieldValue]) -> (reason: String, queue: String?)? {
        if let reason = headers[DeathHeader.lastReason]?.string {
            return (reason, headers[DeathHeader.lastQueue]?.string)
        }
        guard case .array(let deaths)? = headers[DeathHeader.deaths], case .table(let newest)? = deaths.first else { return nil }
        return (newest["reason"]?.string ?? "unknown", newest["queue"]?.string)
    }

    private static func failures(_ value: FieldValue?) -> [FailedAttempt] {
        guard case .array(let entries)? = value else { return [] }
        return entries.compactMap { entry in
            guard case .table(let fields) = entry, let at = fields["at"]?.integer.flatMap(Date.init(headerMilliseconds:)) else { return nil }
            return FailedAttempt(
                at: at, worker: fields["worker"]?.string?.storable ?? "",
                cause: fields["cause"]?.string?.storable ?? "", detail: fields["detail"]?.string?.storable ?? "")
        }
    }
}
