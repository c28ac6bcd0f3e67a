/// The headers that Wharf's messages carry. None begins with `x-`: those belong to the broker, and some versions
/// of it drop or rewrite them when a message is published again.
enum HeaderName {
    /// Milliseconds since 1970 (UTC) after which nobody waits for the outcome.
    static let deadline = "deadline"
    /// How often a worker has tried and failed, 0 at first.
    static let attempt = "attempt"
    /// What went wrong at each attempt, the last ones.
    static let failures = "failures"
    /// The queue that the message was taken from when it was set aside.
    static let origin = "origin"
    static let cause = "cause"
    /// Those that a worker writes on what it sets aside.
    static let ofSettingAside: Set<String> = [attempt, failures, origin, cause]
    /// Those that are no part of the message but of its fate.
    static let ofFailures: Set<String> = ofSettingAside.union([deadline])
    /// How the body was sealed; absent where it is in clear.
    static let sealed = "sealed"
    static let caller = "caller"
    static let role = "role"
    /// The caller's.
    static let email = "email"
    static let traceparent = "traceparent"
    /// The `X-Request-Id` of the HTTP request that all of it began with.
    static let requestID = "request-id"
    /// The order that it is about, and what is known of that; for logs.
    static let order = "order"
    static let orderNumber = "order-number"
    static let orderEvent = "order-event"
    /// True where the answer may come in a bundle with others.
    static let opensBundles = "opens-bundles"
    /// HTTP status of a reply.
    static let status = "status"
    /// A reply that repeats an earlier one.
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
    /// Leads to every queue by the queue's own name; for replays.
    public static let queues = "queues"
}
