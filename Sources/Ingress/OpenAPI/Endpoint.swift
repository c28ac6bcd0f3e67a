public import Messaging

/// One operation of the document: what a request must satisfy, and how it becomes a message.
public struct Endpoint: Sendable, Equatable {
    public enum Role: String, Sendable, CaseIterable {
        case `public`, customer, admin
    }

    /// Upper case.
    public let method: String
    /// With its templates: `/v1/products/{idOrSlug}`.
    public let path: String
    /// Also the routing key of the messages.
    public let operationID: String
    public let kind: Durability
    public let role: Role
    /// How long the reply may take.
    public let deadline: Duration
    public let requiresIdempotencyKey: Bool
    /// The scope of a guest's key. Without it a guest's request is handled anew however often it arrives with the same key.
    public let guestKey: GuestKey?
    /// Whether caches may keep the answer to a guest. Every other answer is sent with `Cache-Control: no-store`.
    public let isCacheable: Bool
    /// The body contains credentials.
    public let isSensitive: Bool
    /// The hash of the caller's token is sent as the parameter `session`.
    public let sendsSession: Bool
    /// The client's IP address and its `User-Agent` are sent as the parameters `client-address` and `client-agent`.
    public let sendsClientAddress: Bool
    /// The template of the path whose value is a secret: its SHA-256 is sent in its place.
    public let hashedParameter: String?
    /// Bytes, where they differ from the ingress's own bound.
    public let maximumBody: Int?
    /// The operation that answers when the work that this one accepts is done.
    public let waitOperation: String?
    /// The scheme by which its sender signs.
    public let signature: String?
    /// The operation that keeps the pieces of a body which is too large for a message. This one then gets no body, but where it is kept.
    public let uploadOperation: String?
    /// The answer may go on in further replies, and has the form that the client's `Accept` asks for.
    public let isPaged: Bool
    /// The operation that knows the versions of things: the answer is a stream of events, which goes on as long as the thing of the path's `id` changes.
    public let streamOperation: String?
    /// The types of signed events that become messages, by the body's `type`; others are answered and dropped. Nil for all.
    public let eventTypes: Set<String>?
    /// Answered as soon as the broker has taken responsibility, without a reply.
    public let isAnsweredWhenAccepted: Bool
    public let queryParameters: Set<String>
    /// Prefixes of further query parameters: `attribute.`, for `attribute.colour`.
    public let queryPrefixes: Set<String>
    /// Lower case; the headers that are part of the message.
    public let headerParameters: Set<String>
    /// The media types of the body; empty if the operation takes no body.
    public let mediaTypes: [String]

    /// How the message is stored. Credentials must not outlive their requester, so their message is transient whatever its kind.
    public var durability: Durability { isSensitive ? .query : kind }

    /// Longer names are not parameters: they would exceed the length of a message header's name.
    static let maximumPrefixedName = 150

    func takesQuery(_ name: String) -> Bool {
        queryParameters.contains(name)
            || name.utf8.count <= Self.maximumPrefixedName && queryPrefixes.contains { name.hasPrefix($0) && name != $0 }
    }
}
