import Contracts
import FoundationEssentials
import JSON
import Secrets

/// The messages and the reply that a handled message leads to. The inbox keeps them in its column `outputs`: an array with the messages in order, and the
/// reply, if there is one, at its end. Rows of all versions within the inbox's memory have this form.
struct OutgoingMessages: Sendable, Codable, Equatable {
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
        get throws { String(decoding: try JSON.encode(self), as: UTF8.self) }
    }

    init(from decoder: any Decoder) throws {
        let stored = try [Element](from: decoder)
        messages = stored.compactMap { if case .message(let message) = $0 { message } else { nil } }
        reply = stored.lazy.compactMap { if case .reply(let reply) = $0 { reply } else { nil } }.first
    }

    func encode(to encoder: any Encoder) throws {
        try (messages.map(Element.message) + (reply.map { [.reply($0)] } ?? [])).encode(to: encoder)
    }

    enum Kind: String, Codable {
        case request, event, broadcast, answer, replay, reply
    }

    fileprivate enum Element {
        case message(OutgoingMessage)
        case reply(Reply)
    }
}

extension OutgoingMessages.Element: Codable {
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

    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Member.self)
        func encode(_ kind: OutgoingMessages.Kind, _ key: String, _ body: [UInt8], _ subject: Subject? = nil) throws {
            try members.encode(kind, forKey: .kind)
            try members.encode(key, forKey: .key)
            try members.encode(kind == .replay ? Base64URL.encode(body) : String(decoding: body, as: UTF8.self), forKey: .body)
            try members.encodeIfPresent(subject, forKey: .subject)
        }
        switch self {
        case .reply(let reply):
            try encode(.reply, "", reply.body)
            try members.encode(reply.status, forKey: .status)
            try members.encode(reply.headers, forKey: .headers)
        case .message(let message):
            switch message.destination {
            case .request(let key): try encode(.request, key, message.body, message.subject)
            case .event(let key): try encode(.event, key, message.body, message.subject)
            case .broadcast(let key): try encode(.broadcast, key, message.body, message.subject)
            case .answer(let requester, let status, let headers):
                try encode(.answer, "", message.body, message.subject)
                try members.encode(requester, forKey: .requester)
                try members.encode(status, forKey: .status)
                if !headers.isEmpty { try members.encode(headers, forKey: .headers) }
            case .replay(let original, let queue):
                try encode(.replay, queue, original.body, message.subject)
                try members.encodeIfPresent(original.messageID, forKey: .messageID)
                try members.encodeIfPresent(original.operation, forKey: .operation)
                try members.encodeIfPresent(original.contentType, forKey: .contentType)
                try members.encode(original.headers, forKey: .headers)
            case .early:
                throw EncodingError.invalidValue(message, .init(codingPath: [], debugDescription: "an early copy is sent by a poller, and is not stored"))
            }
            if message.forwardsRequester { try members.encode(true, forKey: .forwards) }
            try members.encodeIfPresent(message.caller, forKey: .caller)
            try members.encodeIfPresent(message.traceparent, forKey: .traceparent)
        }
    }
}
