import Contracts
import HTTPTypes
import Messaging

/// Lets pages of other origins call the ingress (CORS, in WHATWG's Fetch): those that `WHARF_CORS_ORIGINS` names, and without cookies.
///
/// Sends no header at all where no origin is named, so that caches need not vary by origin.
struct CrossOrigin: Sendable {
    /// How long a browser may cache the result of a preflight, in seconds: the most that any browser allows.
    static let preflightAge = 7_200
    /// In addition to those that every page may send.
    static let requestHeaders = [
        "Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "Last-Event-ID", "traceparent", "X-Request-Id",
    ]
    /// In addition to those that every page may read.
    static let exposedHeaders = ["Location", "ETag", "Retry-After", "Idempotent-Replayed", "X-Request-Id", "Preference-Applied"]

    private let origins: Set<String>

    init(_ origins: Set<WebOrigin>) {
        self.origins = Set(origins.map(\.text))
    }

    /// `reply` with the headers that let a page of the request's origin read it.
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
