import AMQP
import Contracts
import FoundationEssentials
import Secrets
import Tracing

/// Where an answer goes: the reply queue of the requesting process, and the id under which it waits.
public struct Requester: Sendable, Hashable, Codable {
    public let replyTo: String
    public let correlationID: String
    /// Whether its answer may arrive in a bundle with others. Known while the request is handled, and not stored with it.
    public var opensBundles = false

    /// Prefixes of reply queue names: `replies.<role>.`, and `amq.gen-` in earlier versions.
    static let addresses = ["replies", "amq.gen-"]

    public init(replyTo: String, correlationID: String, opensBundles: Bool = false) {
        self.replyTo = replyTo
        self.correlationID = correlationID
        self.opensBundles = opensBundles
    }

    private enum CodingKeys: String, CodingKey {
        case replyTo, correlationID
    }
}

/// One earlier attempt at a message, as recorded in its header.
public struct FailedAttempt: Sendable, Hashable, Codable {
    /// How many are kept: the newest describe the current fault.
    public static let maximumKept = 10
    /// How many characters of a cause are kept.
    public static let maximumDetail = 500

    public let at: Date
    public let worker: String
    public let cause: String
    public let detail: String

    public init(at: Date, worker: String, cause: String, detail: String) {
        self.at = at
        self.worker = worker
        self.cause = cause
        self.detail = String(detail.prefix(Self.maximumDetail))
    }
}

/// A message that asks for work: an HTTP request, a step of a saga, or an event. Decoded once, where it enters.
public struct Request: Sendable {
    /// The same at every delivery, retry and replay: the inbox's key for it.
    public var id: UUID
    /// The operation id, which is the routing key it was first published with.
    public var operation: String
    public var parameters: [String: String]
    public var caller: Caller?
    public var body: [UInt8]
    public var deadline: Date?
    public var attempt: Int
    public var failures: [FailedAttempt]
    /// Whether an operator has sent it back after it had been set aside.
    public var isReplay = false
    public var requester: Requester?
    /// Until when the requester waits for a second reply, about the work that the first one accepts; nil when it does not.
    public var settlesUntil: Date?
    public var traceparent: String?
    /// The span of its handling, while it is handled and if that is recorded.
    var context: InstrumentationContext?
    /// Of the HTTP request that led to it.
    public var requestID: String?
    /// The order that it is about, for logs.
    public var subject: Subject?

    public init(
        id: UUID, operation: String, parameters: [String: String] = [:], caller: Caller? = nil, body: [UInt8] = [],
        deadline: Date? = nil, requester: Requester? = nil, traceparent: String? = nil, requestID: String? = nil
    ) {
        self.id = id
        self.operation = operation
        self.parameters = parameters
        self.caller = caller
        self.body = body
        self.deadline = deadline
        self.attempt = 0
        self.failures = []
        self.requester = requester
        self.traceparent = traceparent
        self.requestID = requestID
    }

    /// The caller in a record of who did what.
    public var auditName: String { caller?.auditName ?? "unknown" }

    /// The header parameter with the client's own key for this request.
    public static let idempotencyKey = "idempotency-key"
    /// The parameter with the IP address of the client's connection, for operations that ask for it.
    public static let clientAddress = "client-address"
    /// The parameter with the client's `User-Agent`, for operations that ask for the address.
    public static let clientAgent = "client-agent"
}

/// How long a message lives and how safely it is stored (the table of ARCHITECTURE, "What kind of message").
public enum Durability: String, Sendable, Codable {
    /// Transient, confirmed so that a full queue is noticed, dropped when its deadline has passed.
    case query
    /// Persistent and confirmed; dropped by the worker when its deadline has passed.
    case command
    /// Persistent, confirmed, never expires.
    case durable
}

extension Request {
    public func publication(durability: Durability, now: Date) -> Publication {
        var properties = Properties()
        properties.messageID = id.upperCaseText
        properties.type = operation
        properties.contentType = "application/json"
        properties.timestamp = Int64(now.timeIntervalSince1970)
        properties.persistent = durability != .query
        properties.correlationID = requester?.correlationID
        properties.replyTo = requester?.replyTo
        if requester?.opensBundles == true { properties.headers[HeaderName.opensBundles] = .boolean(true) }
        if let settlesUntil { properties.headers[HeaderName.settlesUntil] = .integer(settlesUntil.headerMilliseconds) }
        if let deadline {
            properties.headers[HeaderName.deadline] = .integer(deadline.headerMilliseconds)
            if durability == .query {
                properties.expiration = max(1, Int(deadline.timeIntervalSince(now) * 1000))
            }
        }
        if let caller {
            properties.headers[HeaderName.caller] = .string(caller.id.upperCaseText)
            properties.headers[HeaderName.role] = .string(caller.role.rawValue)
            if let email = caller.email { properties.headers[HeaderName.email] = .string(email) }
            if let locale = caller.locale { properties.headers[HeaderName.locale] = .string(locale) }
        }
        if let traceparent {
            properties.headers[HeaderName.traceparent] = .string(traceparent)
        }
        if let requestID { properties.headers[HeaderName.requestID] = .string(requestID) }
        subject?.write(to: &properties.headers)
        for (name, value) in parameters {
            properties.headers[HeaderName.parameterPrefix + name] = .string(value)
        }
        return Publication(
            exchange: Exchange.requests, routingKey: operation, properties: properties, body: body, mandatory: true)
    }

    /// Reads a delivery that any client of the broker may have written.
    init(_ delivery: Delivery) throws(Failure) {
        let properties = delivery.properties
        guard let messageID = properties.messageID, let id = UUID(text: messageID) else {
            throw Failure(
                "malformed-message",
                "message-id is \(properties.messageID.map { "'\($0.prefix(60))'" } ?? "missing"); a UUID is expected")
        }
        guard let operation = properties.type, !operation.isEmpty else {
            throw Failure("malformed-message", "type is missing; the operation's id is expected")
        }
        self.init(id: id, operation: operation, body: delivery.body)
        attempt = delivery.attempt
        failures = delivery.failures
        subject = Subject(properties.headers)
        // The broker rejects a reply to any other address, and closes the channel that also carries the neighbours' replies.
        if let replyTo = properties.replyTo, let correlationID = properties.correlationID, Requester.addresses.contains(where: replyTo.hasPrefix) {
            requester = Requester(replyTo: replyTo, correlationID: correlationID)
        }
        for (name, value) in properties.headers {
            switch (name, value) {
            case (HeaderName.deadline, .integer(let milliseconds)):
                deadline = Date(headerMilliseconds: milliseconds)
            case (HeaderName.settlesUntil, .integer(let milliseconds)):
                settlesUntil = Date(headerMilliseconds: milliseconds)
            case (HeaderName.replay, .boolean(true)):
                isReplay = true
            case (HeaderName.traceparent, .string(let text)):
                traceparent = text
            case (HeaderName.requestID, .string(let text)):
                requestID = text
            case (HeaderName.opensBundles, .boolean(true)):
                requester?.opensBundles = true
            case (_, .string(let text)) where name.hasPrefix(HeaderName.parameterPrefix):
                parameters[String(name.dropFirst(HeaderName.parameterPrefix.count))] = text
            default:
                continue
            }
        }
        if case .string(let text)? = properties.headers[HeaderName.caller] {
            guard let id = UUID(text: text), case .string(let name)? = properties.headers[HeaderName.role],
                let role = Caller.Role(rawValue: name)
            else {
                throw Failure("malformed-message", "caller and role must be a UUID and one of customer, admin")
            }
            var email: String?
            if case .string(let text)? = properties.headers[HeaderName.email] { email = text }
            var locale: String?
            if case .string(let text)? = properties.headers[HeaderName.locale] { locale = text }
            caller = Caller(id: id, role: role, email: email, locale: locale)
        }
    }
}

extension Delivery {
    /// Beyond the end of every ladder, and far from the end of the range.
    private static let maximumAttempt: Int64 = 1_000_000

    /// How often workers have tried it and failed.
    var attempt: Int {
        if case .integer(let count)? = properties.headers[HeaderName.attempt] { Int(min(max(0, count), Self.maximumAttempt)) } else { 0 }
    }

    /// The errors of those attempts.
    var failures: [FailedAttempt] {
        if case .array(let entries)? = properties.headers[HeaderName.failures] { entries.compactMap(FailedAttempt.init) } else { [] }
    }
}

extension FailedAttempt {
    init?(_ value: FieldValue) {
        guard case .table(let fields) = value, case .integer(let milliseconds)? = fields["at"],
            let at = Date(headerMilliseconds: milliseconds), case .string(let worker)? = fields["worker"],
            case .string(let cause)? = fields["cause"], case .string(let detail)? = fields["detail"]
        else { return nil }
        self.init(at: at, worker: worker, cause: cause, detail: detail)
    }

    var fieldValue: FieldValue {
        .table([
            "at": .integer(at.headerMilliseconds), "worker": .string(worker),
            "cause": .string(cause), "detail": .string(detail),
        ])
    }
}

extension Date {
    /// A time in a header that any client of the broker may have written, in milliseconds since 1970; nil for a time outside the years 1970 to 9999,
    /// with which calendars, databases and conversions back cannot be trusted.
    public init?(headerMilliseconds milliseconds: Int64) {
        guard (0...Self.lastHeaderMillisecond).contains(milliseconds) else { return nil }
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    var headerMilliseconds: Int64 { Int64(timeIntervalSince1970 * 1000) }

    private static let lastHeaderMillisecond: Int64 = 253_402_300_799_999
}
