import Contracts
import FoundationEssentials
import JSON
import Secrets

/// The messages and the reply that a handled message leads to. The inbox keeps them in its column `outputs`: an array with the messages in order, and the
/// reply, if there is one, at its end. Rows of all versions within the inbox's memory have this form.
struct OutgoingMessages: Sendable, Decodable, Equatable {
    let messages: [OutgoingMessage]
    let reply: Reply?

    init(_ messages: [OutgoingMessage] = [], reply: Reply? = nil) {
        self.messages = messages
        self.reply = reply
    }

    /// The same messages, carrying the span of `request` if it is recorded.
    func traced(by request: Request) -> OutgoingMessages {
        guard request.context != nil else { return self }
        return OutgoingMessages(
            messages.map { message in
                var message = message
                if !message.isAnswer { message.traceparent = request.traceparent }
                return message
            }, reply: reply)
    }

    /// As they leave once more for a later delivery of the same message.
    var recalled: OutgoingMessages {
        var reply = reply
        reply?.isReplayed = true
        // It was for the first delivery.
        reply?.settlesUntil = nil
        return OutgoingMessages(messages, reply: reply)
    }

    init(text: String) throws {
        self = try JSON.decode(from: Array(text.utf8))
    }

    var text: String {
        get throws {
            if messages.contains(where: \.isEarly) {
                throw EncodingError.invalidValue(self, .init(codingPath: [], debugDescription: "an early copy is sent by a poller, and is not stored"))
            }
            var json = JSONWriter()
            json.array(messages.map(Element.message) + (reply.map { [.reply($0)] } ?? [])) { json, element in element.write(to: &json) }
            return String(decoding: json.bytes, as: UTF8.self)
        }
    }

    init(from decoder: any Decoder) throws {
        let stored = try [Element](from: decoder)
        messages = stored.compactMap { if case .message(let message) = $0 { message } else { nil } }
        reply = stored.lazy.compactMap { if case .reply(let reply) = $0 { reply } else { nil } }.first
    }

    enum Kind: String, Decodable {
        case request, event, broadcast, answer, replay, reply
    }

    fileprivate enum Element {
        case message(OutgoingMessage)
        case reply(Reply)
    }
}

extension OutgoingMessages.Element: Decodable {
    private enum Member: String, CodingKey {
        case kind
        /// The operation or the event; the queue of a replayed message.
        case key
        /// Text; of a replayed message in Base64, because it may be anything.
        case body
        /// A body that is JSON, embedded as it is and not as a string. The next version will write it, which saves the escaping, 2.3 % of a worker's instructions for a batch, and
        /// takes less space.
        case json
        case subject, traceparent, status, headers, forwards, caller, requester, messageID, operation, contentType
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        let key = try members.decode(String.self, forKey: .key)
        let body = try members.contains(.json) ? members.decode(RawJSON.self, forKey: .json).bytes : Array(members.decode(String.self, forKey: .body).utf8)
        let subject = try members.decodeIfPresent(Subject.self, forKey: .subject)
        func read(_ destination: OutgoingMessage.Destination) throws -> Self {
            var message = OutgoingMessage(
                destination, body: body, forwardsRequester: try members.decodeIfPresent(Bool.self, forKey: .forwards) ?? false,
                caller: try members.decodeIfPresent(Caller.self, forKey: .caller), subject: subject)
            message.traceparent = try members.decodeIfPresent(String.self, forKey: .traceparent)
            return .message(message)
        }
        switch try members.decode(OutgoingMessages.Kind.self, forKey: .kind) {
        case .request: self = try read(.request(key))
        case .event: self = try read(.event(key))
        case .broadcast: self = try read(.broadcast(key))
        case .answer:
            self = try read(
                .answer(
                    try members.decode(Requester.self, forKey: .requester), status: try members.decode(Int.self, forKey: .status),
                    headers: try members.decodeIfPresent([String: String].self, forKey: .headers) ?? [:]))
        case .replay:
            let original = FailedMessage(
                messageID: try members.decodeIfPresent(String.self, forKey: .messageID),
                operation: try members.decodeIfPresent(String.self, forKey: .operation),
                contentType: try members.decodeIfPresent(String.self, forKey: .contentType),
                headers: try members.decodeIfPresent([String: String].self, forKey: .headers) ?? [:], body: Base64URL.decode(String(decoding: body, as: UTF8.self)) ?? [])
            self = .message(OutgoingMessage(.replay(original, queue: key), body: original.body, subject: subject))
        case .reply:
            self = .reply(
                Reply(
                    status: try members.decode(Int.self, forKey: .status),
                    headers: try members.decodeIfPresent([String: String].self, forKey: .headers) ?? [:], body: body))
        }
    }
}

// MARK: - Writing

extension OutgoingMessages.Element {
    /// The fields are sorted by name, as everywhere.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("body", text)
            switch self {
            case .reply(let reply):
                json.field("headers", reply.headers)
                json.field("key", "")
                json.field("kind", OutgoingMessages.Kind.reply.rawValue)
                json.field("status", reply.status)
            case .message(let message):
                json.fieldIfPresent("caller", message.caller)
                json.fieldIfPresent("contentType", message.original?.contentType)
                if message.forwardsRequester { json.field("forwards", true) }
                if let headers = message.storedHeaders { json.field("headers", headers) }
                json.field("key", message.key)
                json.field("kind", message.kind.rawValue)
                json.fieldIfPresent("messageID", message.original?.messageID)
                json.fieldIfPresent("operation", message.original?.operation)
                if case .answer(let requester, let status, _) = message.destination {
                    json.field("requester", requester)
                    json.field("status", status)
                }
                json.fieldIfPresent("subject", message.subject)
                json.fieldIfPresent("traceparent", message.traceparent)
            }
        }
    }

    private var text: String {
        switch self {
        case .reply(let reply): String(decoding: reply.body, as: UTF8.self)
        case .message(let message): message.original.map { Base64URL.encode($0.body) } ?? String(decoding: message.body, as: UTF8.self)
        }
    }
}

extension OutgoingMessage {
    /// The message that it replays.
    fileprivate var original: FailedMessage? { if case .replay(let original, _) = destination { original } else { nil } }

    fileprivate var storedHeaders: [String: String]? {
        switch destination {
        case .answer(_, _, let headers): headers.isEmpty ? nil : headers
        case .replay(let original, _): original.headers
        case .request, .event, .broadcast, .early: nil
        }
    }

    fileprivate var isEarly: Bool { if case .early = destination { true } else { false } }

    fileprivate var kind: OutgoingMessages.Kind {
        switch destination {
        case .request: .request
        case .event: .event
        case .broadcast: .broadcast
        case .answer: .answer
        // An early copy is not stored.
        case .replay, .early: .replay
        }
    }
}

extension Requester: DirectlyEncodable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("correlationID", correlationID)
            json.field("replyTo", replyTo)
        }
    }
}
