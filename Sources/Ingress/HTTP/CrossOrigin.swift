import Contracts
import HTTPTypes
import Messaging

/// Lets pages of other origins call the ingress (CORS, in WHATWG's Fetch): those that `WHARF_CORS_ORIGINS` names, and without cookies.
///
/// Says nothing at all where no origin is named, so that caches need not tell origins apart.
struct CrossOrigin: Sendable {
    /// How long a browser may remember what a preflight allowed, in seconds: the most that any of them grants.
    static let preflightAge = 7_200
    /// Beside those that every page may send.
    static let requestHeaders = [
        "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "Last-Event-ID", "traceparent", "X-Request-Id",
    ]
    /// Beside those that every page may read.
    static let exposedHeaders = ["Location", "ETag", "Retry-After", "Idempotent-Replayed", "X-Request-Id", "Preference-Applied"]

    private let origins: Set<String>

    init(_ origins: Set<WebOrigin>) {
        self.origins = Set(origins.map(\.text))
    }

    /// `reply` as a page of the request's origin may read it.
    func complete(_ reply: Reply, to headers: HTTPFields, method: HTTPRequest.Method) -> Reply {
        if origins.isEmpty { return reply }
        var reply = reply
        reply.headers["vary"] = reply.headers["vary"].map { "\($0), Origin" } ?? "Origin"
        let named = headers.values("origin")
        guard named.count == 1, let origin = named.first, origins.contains(origin) else { return reply }
        reply.headers["access-control-allow-origin"] = origin
        if method == .options, !headers.values("access-control-request-method").isEmpty, let allowed = reply.headers["allow"] {
            reply.headers["access-control-allow-methods"] = allowed
            reply.headers["access-control-allow-headers"] = Self.requestHeaders.joined(separator: ", ")
            reply.headers["access-control-max-age"] = String(Self.preflightAge)
        } else {
            reply.headers["access-control-expose-headers"] = Self.exposedHeaders.joined(separator: ", ")
        }
        return reply
    }
}
