import Contracts
import Messaging

/// An answer of the ingress itself to a request that it rejects.
struct Refusal: Error, Equatable {
    let problem: Problem
    /// Lower-case names.
    var headers: [String: String] = [:]

    /// Kept by no cache: what is refused now may be there in a moment.
    var reply: Reply { Reply(problem, headers: headers.merging(["cache-control": "no-store"]) { own, _ in own }) }

    /// The same, with the connection closed after it: nothing that follows on it can be used.
    var closing: Refusal {
        var refusal = self
        refusal.headers["connection"] = "close"
        return refusal
    }
}

extension Refusal {
    static func badRequest(_ detail: String) -> Refusal {
        Refusal(problem: Problem("bad-request", title: "Bad request", status: 400, detail: detail))
    }

    static func badHeader(_ name: String, _ detail: String) -> Refusal {
        Refusal(
            problem: Problem(
                "invalid-header", title: "Invalid header", status: 400, detail: "\(name): \(detail)",
                errors: [.init(field: name, detail: detail)]))
    }

    /// `error` is RFC 6750's code, absent when there was no token.
    static func unauthorized(_ detail: String, error: String? = nil) -> Refusal {
        Refusal(
            problem: Problem("unauthorized", title: "Not signed in", status: 401, detail: detail),
            headers: ["www-authenticate": error.map { "Bearer error=\"\($0)\"" } ?? "Bearer"])
    }

    static let forbidden = Refusal(
        problem: Problem("forbidden", title: "Not allowed", status: 403, detail: "This operation is for admins."))

    static let unknownPath = Refusal(
        problem: Problem("not-found", title: "Not found", status: 404, detail: "There is nothing at this path."))

    static func methodNotAllowed(_ method: String, allowed: [String]) -> Refusal {
        let list = allowed.joined(separator: ", ")
        return Refusal(
            problem: Problem(
                "method-not-allowed", title: "Method not allowed", status: 405,
                detail: "\(method.prefix(20)) is not allowed here; allowed: \(list)."),
            headers: ["allow": list])
    }

    static let slowBody = Refusal(
        problem: Problem(
            "slow-body", title: "Body too slow", status: 408, detail: "The body did not arrive in time.", retryable: true)
    ).closing

    static func bodyTooLarge(limit: Int) -> Refusal {
        Refusal(
            problem: Problem(
                "body-too-large", title: "Body too large", status: 413, detail: "The body may have at most \(limit) bytes.")
        ).closing
    }

    static let tooManyBodies = Refusal(
        problem: .unavailable("Too many large bodies are being received or handled. Nothing was done.")
    ).closing

    static let unsupportedCoding = Refusal(
        problem: Problem(
            "unsupported-coding", title: "Unsupported content coding", status: 415,
            detail: "The body may be compressed with gzip, once, or not at all; Content-Encoding must say so."),
        headers: ["accept-encoding": "gzip"])

    static let malformedGzip = Refusal.badRequest("The body is not gzip, although Content-Encoding says so.")

    static let targetTooLong = Refusal(
        problem: Problem(
            "target-too-long", title: "URL too long", status: 414,
            detail: "Path and query may have at most \(RequestTarget.maximumBytes) bytes."))

    static func unsupportedMediaType(_ accepted: [String]) -> Refusal {
        let list = accepted.joined(separator: ", ")
        return Refusal(
            problem: Problem(
                "unsupported-media-type", title: "Unsupported media type", status: 415,
                detail: "The body must be \(list), and Content-Type must say so."),
            headers: ["accept": list])
    }

    static func unavailable(_ detail: String) -> Refusal {
        Refusal(problem: .unavailable(detail))
    }

    static func timedOut(after limit: Duration, isRetryable: Bool) -> Refusal {
        let advice =
            isRetryable
            ? "It may have been accepted. A retry with the same Idempotency-Key, if it had one, is safe; a retry with a different key may be carried out twice."
            : "It may have been accepted, and without an Idempotency-Key a retry may be carried out twice: check before you send it again."
        return Refusal(
            problem: Problem(
                "timeout", title: "No reply in time", status: 504,
                detail: "No reply arrived within \(Int(limit.seconds.rounded(.up))) s. \(advice)", retryable: isRetryable))
    }
}
