import AMQP
import FoundationEssentials
import Secrets

/// A message on the retry ladder, as the worker that set it aside announces it.
///
/// An announcement only makes a message visible; losing it does not lose the message. It contains the message, so that a copy can be sent before the ladder
/// returns the original.
public struct WaitingMessage: Sendable {
    /// The maximum size of an announced body in bytes. A larger message is announced without its body, so it cannot be sent early. Messages about orders have a few kilobytes.
    public static let maximumBody = 32 << 10

    /// The queue to which the message returns. The broker allows a service to name only its own queues.
    public let queue: String
    public let messageID: String?
    public let operation: String?
    public let cause: String
    public let detail: String
    /// The number of failed attempts.
    public let attempt: Int
    /// The earliest known failed attempt.
    public let since: Date
    public let setAsideAt: Date
    public let dueAt: Date
    public let headers: [String: String]
    public let body: [UInt8]
    /// The contents of an early copy (``EarlyCopy``); nil for a message without its body, or without an id that an inbox could recognize.
    public let copy: [UInt8]?

    /// Nil for a delivery without the time at which its message returns.
    public init?(_ delivery: Delivery) {
        let properties = delivery.properties
        guard case .integer(let due)? = properties.headers[HeaderName.due], let dueAt = Date(headerMilliseconds: due) else { return nil }
        let failures = delivery.failures
        guard let latest = failures.last else { return nil }
        queue = delivery.routingKey
        messageID = properties.messageID
        operation = properties.type
        cause = latest.cause
        detail = latest.detail
        attempt = delivery.attempt
        since = failures.map(\.at).min() ?? latest.at
        setAsideAt = latest.at
        self.dueAt = dueAt
        headers = properties.headers.compactMapValues(\.string)
        body = delivery.body
        copy = EarlyCopy.bytes(of: delivery)
    }
}

/// A copy of a message that waits on the ladder, under the same id, sent straight to its queue. The inbox lets one of the two take effect.
///
/// It carries the time at which the original returns. A copy that fails is dropped, because the original is still on the ladder.
public struct EarlyCopy: Sendable, Equatable {
    /// The time that an external call may take. No transaction can undo such a call, so an operation that makes one ignores a copy whose original is due within this
    /// time; otherwise copy and original could make the same call at the same time, and the inbox would notice only afterwards.
    static let externalMargin: Duration = .seconds(60)

    package let publication: Publication

    /// Nil for bytes that ``WaitingMessage/copy`` did not make.
    public init?(_ bytes: [UInt8], operation: String, queue: String, dueAt: Date) {
        var reader = BundleReader(bytes)
        guard let message = reader.messages(limit: 1)?.first else { return nil }
        var properties = Properties()
        properties.messageID = message.messageID
        properties.type = operation
        properties.contentType = "application/json"
        properties.persistent = true
        properties.replyTo = message.replyTo
        properties.correlationID = message.correlationID
        properties.headers = message.headers
        properties.headers[HeaderName.early] = .integer(dueAt.headerMilliseconds)
        publication = Publication(exchange: Exchange.queues, routingKey: queue, properties: properties, body: message.body)
    }

    /// The message without its failure history, which only the original needs. Headers of kinds that Wharf does not write are left out.
    fileprivate static func bytes(of delivery: Delivery) -> [UInt8]? {
        var properties = delivery.properties
        // Only a bundle of a newer version has another content type here.
        guard let id = properties.messageID, UUID(text: id) != nil, properties.type != nil, properties.contentType?.hasPrefix(Bundle.contentType) != true,
            properties.headers[HeaderName.isWithoutBody] == nil
        else { return nil }
        properties.headers = properties.headers.filter { name, value in
            guard ![HeaderName.failures, HeaderName.cause, HeaderName.origin, HeaderName.due].contains(name) else { return false }
            switch value {
            case .string, .integer, .boolean(true): return true
            default: return false
            }
        }
        var writer = BundleWriter()
        guard writer.append(Publication(exchange: "", routingKey: "", properties: properties, body: delivery.body)) else { return nil }
        return writer.bytes
    }
}

extension Delivery {
    /// The time at which an early copy's original returns from the ladder.
    var earlyUntil: Date? {
        if case .integer(let due)? = properties.headers[HeaderName.early] { Date(headerMilliseconds: due) } else { nil }
    }
}
