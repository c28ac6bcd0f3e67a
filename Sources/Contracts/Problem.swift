/// An HTTP error as defined by RFC 9457. `type` is stable: clients match on it, people read `detail`.
public struct Problem: Error, Sendable, Equatable, Codable {
    public struct FieldError: Sendable, Equatable, Codable {
        /// Where the input is wrong: `shippingAddress.city`, `lines[2].sku`, `query.limit`.
        public let field: String
        public let detail: String

        public init(field: String, detail: String) {
            self.field = field
            self.detail = detail
        }
    }

    /// How many field errors one answer names; more would not help.
    public static let maximumErrors = 20

    public var type: String
    public var title: String
    public var status: Int
    public var detail: String
    public var instance: String?
    public var errors: [FieldError]?
    /// Whether the same request with the same `Idempotency-Key` may be sent again without harm.
    public var retryable: Bool?

    public init(
        _ slug: String, title: String, status: Int, detail: String, errors: [FieldError]? = nil, retryable: Bool? = nil
    ) {
        self.type = "https://wharf.dev/problems/\(slug)"
        self.title = title
        self.status = status
        self.detail = detail
        self.errors = errors
        self.retryable = retryable
    }
}

extension Problem {
    public static func invalidInput(_ errors: [FieldError]) -> Problem {
        let named = errors.prefix(maximumErrors)
        let detail = named.first.map { "\($0.field): \($0.detail)" } ?? "The input is not acceptable."
        return Problem("invalid-input", title: "Invalid input", status: 422, detail: detail, errors: Array(named))
    }

    public static func invalidInput(_ field: String, _ detail: String) -> Problem {
        invalidInput([FieldError(field: field, detail: detail)])
    }

    public static func malformedJSON(_ detail: String) -> Problem {
        Problem("malformed-json", title: "Malformed JSON", status: 400, detail: detail)
    }

    public static func notFound(_ what: String) -> Problem {
        Problem("not-found", title: "Not found", status: 404, detail: "There is no such \(what).")
    }

    public static func conflict(_ slug: String, _ detail: String) -> Problem {
        Problem(slug, title: "Conflict", status: 409, detail: detail)
    }

    public static func unavailable(_ detail: String) -> Problem {
        Problem("unavailable", title: "Temporarily unavailable", status: 503, detail: detail, retryable: true)
    }

    public static func internalError(_ detail: String) -> Problem {
        Problem("internal-error", title: "Internal error", status: 500, detail: detail)
    }
}
