/// The headers of Wharf's messages. None begins with `x-`: those belong to the broker, and some versions
/// of it drop or rewrite them when a message is published again.
enum HeaderName {
    /// Milliseconds since 1970 (UTC) after which the requester no longer waits for the outcome.
    static let deadline = "deadline"
    /// How often a worker has tried and failed, 0 at first.
    static let attempt = "attempt"
    /// The errors of the latest attempts.
    static let failures = "failures"
    /// The queue that the message was taken from when it was set aside.
    static let origin = "origin"
    static let cause = "cause"
    /// Headers that a worker adds to a message it sets aside.
    static let ofSettingAside: Set<String> = [attempt, failures, origin, cause]
    /// Headers that describe the message's history rather than the message.
    static let ofFailures: Set<String> = ofSettingAside.union([deadline, settlesUntil, replay])
    /// On an announcement of a message on the ladder: the time at which it returns, in milliseconds since 1970 (UTC).
    static let due = "due"
    /// True on an announcement that leaves out the body because it is too large.
    static let isWithoutBody = "without-body"
    /// On a copy that is sent before its original returns from the ladder: the time at which the original returns, in milliseconds since 1970 (UTC).
    static let early = "early"
    /// True on a message that was set aside and that an operator has sent back, also while it is retried from then on.
    static let replay = "replay"
    /// How the body was sealed; absent on a plaintext body.
    static let sealed = "sealed"
    static let caller = "caller"
    static let role = "role"
    /// The caller's.
    static let email = "email"
    /// The caller's.
    static let locale = "locale"
    static let traceparent = "traceparent"
    /// The `X-Request-Id` of the HTTP request that started it all.
    static let requestID = "request-id"
    /// The order that the message is about, and what is known of it; for logs.
    static let order = "order"
    static let orderNumber = "order-number"
    static let orderEvent = "order-event"
    /// True where the answer may arrive in a bundle with others.
    static let opensBundles = "opens-bundles"
    /// Milliseconds since 1970 (UTC) until which the requester waits for the work itself, after the reply that says that it was accepted.
    static let settlesUntil = "settles-until"
    /// HTTP status of a reply.
    static let status = "status"
    /// Marks a reply that repeats an earlier one.
    static let replayed = "replayed"
    /// Path, query and header parameters of a request, one header each.
    static let parameterPrefix = "p."
    /// HTTP headers of a reply, one header each.
    static let replyHeaderPrefix = "h."
}

/// The exchanges of `topology/definitions.json` that processes publish to.
public enum Exchange {
    public static let requests = "requests"
    public static let events = "events"
    public static let replies = "replies"
    public static let deadLetters = "dead-letters"
    /// Receives announcements of messages on the retry ladder.
    public static let waiting = "waiting"
    /// Routes to every queue by the queue's own name; for replays.
    public static let queues = "queues"
}
