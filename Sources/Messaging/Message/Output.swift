import AMQP
import Contracts
import FoundationEssentials
import Secrets

/// A message that a handler has decided to send, as the inbox keeps it.
struct Output: Sendable, Codable, Equatable {
    enum Kind: String, Codable {
        case request, event, broadcast, answer, replay, reply
    }

    let kind: Kind
    /// The operation or the event; empty for a reply.
    let key: String
    let body: String
    /// The order that it is about, for logs.
    var subject: Subject?
    var status: Int?
    var headers: [String: String]?
    /// The receiver answers the requester.
    var forwards: Bool?
    var caller: Caller?
    /// The waiting requester, for an answer.
    var requester: Requester?
    /// Of a replayed message; its body is in Base64, because it may be anything.
    var messageID: String?
    var operation: String?
    /// Of a replayed message that is not JSON.
    var contentType: String?

    init(_ emission: Emission) {
        switch emission.destination {
        case .request(let operation): (kind, key) = (.request, operation)
        case .event(let event): (kind, key) = (.event, event)
        case .broadcast(let event): (kind, key) = (.broadcast, event)
        case .answer(let requester, let status):
            (kind, key) = (.answer, "")
            self.requester = requester
            self.status = status
        case .replay(let message, let queue):
            (kind, key) = (.replay, queue)
            (messageID, operation, contentType, headers) = (message.messageID, message.operation, message.contentType, message.headers)
            body = Base64URL.encode(message.body)
            subject = emission.subject
            return
        }
        body = String(decoding: emission.body, as: UTF8.self)
        subject = emission.subject
        forwards = emission.forwardsRequester ? true : nil
        caller = emission.caller
    }

    init(_ reply: Reply) {
        kind = .reply
        key = ""
        body = String(decoding: reply.body, as: UTF8.self)
        status = reply.status
        headers = reply.headers
    }

    /// The id of the message that this output of `input` becomes, however often it is sent.
    ///
    /// It begins with the time at which its inbox row was recorded, which the row keeps: the outputs of one batch land on one page of each index, where
    /// random ids touch as many pages as there are messages. `recorded` is nil where no row has a time: outputs of rows that an earlier version has
    /// written keep the ids that they were sent under, and so do a poller's messages.
    static func id(at index: Int, of input: UUID, recorded: Date?) -> UUID {
        guard let recorded else { return .v5(namespace: input, name: String(index)) }
        return .v8(at: recorded, namespace: input, name: String(index))
    }

    var reply: Reply? {
        guard kind == .reply, let status else { return nil }
        return Reply(status: status, headers: headers ?? [:], body: Array(body.utf8))
    }

    /// The message for the broker. Its id is derived from the inbox row and its index among the outputs, so that it is the same however often it is sent;
    /// the requester is taken from the current delivery, which may be a later copy from another requester.
    func publication(at index: Int, of input: Request, recorded: Date?, now: Date) -> Publication? {
        let id = Self.id(at: index, of: input.id, recorded: recorded)
        var request = Request(id: id, operation: key, caller: caller, body: Array(body.utf8))
        request.traceparent = input.traceparent
        request.requestID = input.requestID
        request.subject = subject
        if forwards == true { (request.requester, request.settlesUntil) = (input.requester, input.settlesUntil) }
        var publication = request.publication(durability: .durable, now: now)
        switch kind {
        case .request: break
        case .event: publication.exchange = Exchange.events
        case .broadcast:
            publication.exchange = Exchange.events
            publication.mandatory = false
        case .answer:
            guard let requester, let status else { return nil }
            publication = Reply(status: status, body: Array(body.utf8)).publication(to: requester)
            publication.mandatory = false
        case .replay:
            let body = Base64URL.decode(body) ?? []
            return FailedMessage(
                messageID: messageID, operation: operation, contentType: contentType, headers: headers ?? [:], body: body
            ).publication(to: key)
        case .reply: return nil
        }
        return publication
    }
}

extension Reply {
    func publication(to requester: Requester) -> Publication {
        var properties = Properties()
        properties.correlationID = requester.correlationID
        properties.contentType = headers["content-type"] ?? "application/json"
        properties.headers[HeaderName.status] = .integer(Int64(status))
        if isReplayed { properties.headers[HeaderName.replayed] = .boolean(true) }
        if let settlesUntil { properties.headers[HeaderName.settlesUntil] = .integer(settlesUntil.headerMilliseconds) }
        for (name, value) in headers {
            properties.headers[HeaderName.replyHeaderPrefix + name] = .string(value)
        }
        return Publication(
            exchange: Exchange.replies, routingKey: requester.replyTo, properties: properties, body: body, mandatory: true)
    }

    /// The statuses of final answers. Any other is a mistake of its sender, and would trap in HTTP's types.
    private static let statuses: ClosedRange<Int64> = 200...599

    /// Reads a delivery that any client of the broker may have written.
    init(_ delivery: Delivery) {
        var status = 500
        var headers: [String: String] = [:]
        for (name, value) in delivery.properties.headers {
            switch (name, value) {
            case (HeaderName.status, .integer(let code)) where Self.statuses.contains(code): status = Int(clamping: code)
            case (_, .string(let text)) where name.hasPrefix(HeaderName.replyHeaderPrefix):
                headers[String(name.dropFirst(HeaderName.replyHeaderPrefix.count))] = text
            default: continue
            }
        }
        self.init(status: status, headers: headers, body: delivery.body)
        if case .boolean(true)? = delivery.properties.headers[HeaderName.replayed] { isReplayed = true }
        if case .integer(let time)? = delivery.properties.headers[HeaderName.settlesUntil] { settlesUntil = Date(headerMilliseconds: time) }
    }
}
