import AMQP
import Contracts
import FoundationEssentials
import JSON
import Secrets

/// A message that a handler sends. It leaves after the commit that it belongs to, as often as needed to be sure that it arrived, always under the same id.
public struct OutgoingMessage: Sendable, Equatable {
    public enum Destination: Sendable, Equatable {
        /// To the one service that handles this operation.
        case request(String)
        /// To all subscribers.
        case event(String)
        /// As `event`, but having no subscriber is not an error.
        case broadcast(String)
        /// To a requester who has been waiting since an earlier message; a requester that is gone is not an error.
        case answer(Requester, status: Int, headers: [String: String] = [:])
        /// A message that was set aside, to the queue that it came from.
        case replay(FailedMessage, queue: String)
        /// A copy of a message on the retry ladder. Only a poller sends it, because losing a copy loses nothing.
        case early(EarlyCopy)
    }

    public let destination: Destination
    public let body: [UInt8]
    /// The receiver answers the requester of the message being handled, in place of this handler.
    public let forwardsRequester: Bool
    public let caller: Caller?
    /// The source of the id of a poller's message, so that the same work found twice counts once; random where it is nil. The ids of a
    /// handler's messages are derived from its inbox row.
    public let origin: UUID?
    /// The order that the message is about, for logs.
    let subject: Subject?
    /// The span of the handling that led to it, if recorded: for a message that is sent again when the handled message is no longer available.
    var traceparent: String?

    public init(
        _ destination: Destination, _ value: some Encodable, forwardsRequester: Bool = false, caller: Caller? = nil, origin: UUID? = nil
    ) throws {
        self.init(
            destination, body: try JSON.encode(value), forwardsRequester: forwardsRequester, caller: caller, origin: origin,
            subject: (value as? any OrderMessage)?.subject)
    }

    public init(replaying message: FailedMessage, to queue: String) {
        self.init(.replay(message, queue: queue), body: message.body, subject: Subject(message.headers))
    }

    public init(_ copy: EarlyCopy) {
        self.init(.early(copy), body: copy.publication.body)
    }

    init(
        _ destination: Destination, body: [UInt8], forwardsRequester: Bool = false, caller: Caller? = nil, origin: UUID? = nil, subject: Subject? = nil
    ) {
        self.destination = destination
        self.body = body
        self.forwardsRequester = forwardsRequester
        self.caller = caller
        self.origin = origin
        self.subject = subject
    }

    /// The operation or the event; the queue of a replayed message; empty for an answer.
    var key: String {
        switch destination {
        case .request(let key), .event(let key), .broadcast(let key), .replay(_, let key): key
        case .early(let copy): copy.publication.routingKey
        case .answer: ""
        }
    }

    var isAnswer: Bool { if case .answer = destination { true } else { false } }
}

// MARK: - Publication

extension OutgoingMessage {
    /// The id of the message at `index` among those that `input` leads to, however often it is sent.
    ///
    /// It begins with the time at which its inbox row was recorded, which the row keeps: the messages of one batch land on one page of each index, where
    /// random ids touch as many pages as there are messages. `recorded` is nil where no row has a time: messages of rows that an earlier version has
    /// written keep the ids that they were sent under, and so do a poller's messages.
    static func id(at index: Int, of input: UUID, recorded: Date?) -> UUID {
        guard let recorded else { return .v5(namespace: input, name: String(index)) }
        return .v8(at: recorded, namespace: input, name: String(index))
    }

    /// The message for the broker. Its id is derived from the inbox row and its index among the outgoing messages, so that it is the same however often it is
    /// sent; the requester is taken from the current delivery, which may be a later copy from another requester.
    func publication(at index: Int, of input: Request, recorded: Date?, now: Date) -> Publication {
        switch destination {
        case .answer(let requester, let status, let headers):
            var publication = Reply(status: status, headers: headers, body: body).publication(to: requester)
            publication.mandatory = false
            return publication
        case .replay(let message, let queue):
            return message.publication(to: queue)
        case .early(let copy):
            return copy.publication
        case .request, .event, .broadcast:
            var request = Request(id: Self.id(at: index, of: input.id, recorded: recorded), operation: key, caller: caller, body: body)
            request.traceparent = input.traceparent ?? traceparent
            request.requestID = input.requestID
            request.subject = subject
            if forwardsRequester { (request.requester, request.settlesUntil) = (input.requester, input.settlesUntil) }
            var publication = request.publication(durability: .durable, now: now)
            if case .request = destination { return publication }
            publication.exchange = Exchange.events
            if case .broadcast = destination { publication.mandatory = false }
            return publication
        }
    }
}
