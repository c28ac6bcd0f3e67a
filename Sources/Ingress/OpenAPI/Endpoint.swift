
public import Messaging

/// One operation of the document: what a request must be like, and how it becomes a message.
public struct Endpoint: Sendable, Equatable {
    public enum Role: String, Sendable, CaseIterable {
        case `public`, customer, admin
    }

    public enum Signature: String, Sendable, CaseIterable {
        case stripe
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
    /// What a guest's key counts within. Without it a guest's request is handled anew however often it comes with the same key.
    public let guestKey: GuestKey?
    /// Whether the answer to a guest may be kept by caches. Every other answer leaves with `Cache-Control: no-store`.
    public let isCacheable: Bool
    /// The body holds credentials.
    public let isSensitive: Bool
    /// The hash of the caller's token travels as the parameter `session`.
    public let sendsSession: Bool
    /// The client's IP address and its `User-Agent` travel as the parameters `client-address` and `client-agent`.
    public let sendsClientAddress: Bool
    /// The template of the path whose value is a secret: its SHA-256 travels in its place.
    public let hashedParameter: String?
    /// Bytes, where they differ from the ingress's own bound.
    public let maximumBody: Int?
    /// The operation that answers when the work that this one accepts is done.
    public let waitOperation: String?
    public let signature: Signature?
    /// The operation that keeps the pieces of a body which is too large for a message. This one then gets no body, but where it is kept.
    public let uploadOperation: String?
    /// The answer may go on in further replies, and has the form that the client's `Accept` asks for.
    public let isPaged: Bool
    /// The types of signed events that become messages, by the body's `type`; others are answered and dropped. Nil for all.
    public let eventTypes: Set<String>?
    /// Answered as soon as the broker has taken responsibility, without a reply.
    public let isAnsweredWhenAccepted: Bool
    public let queryParameters: Set<String>
    /// What the names of further query parameters begin with: `attribute.`, for `attribute.colour`.
    public let queryPrefixes: Set<String>
    /// Lower case; those that travel in the message.
    public let headerParameters: Set<String>
    public let mediaTypes: [String]

    /// How the message travels. Credentials are not to outlive their requester, so theirs is transient whatever the kind.
    public var durability: Durability { isSensitive ? .query : kind }

    /// Longer names are no parameters: they would be longer than the name of a message's header may be.
    static let maximumPrefixedName = 150

    func takesQuery(_ name: String) -> Bool {
        queryParameters.contains(name)
            || name.utf8.count <= Self.maximumPrefixedName && queryPrefixes.contains { name.hasPrefix($0) && name != $0 }
    }
}
