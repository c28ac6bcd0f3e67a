/// Stripe's search language, as far as payments need it: `metadata['order_id']:'42' AND status:'succeeded'`.
struct SearchQuery: Sendable, Equatable {
    enum Clause: Sendable, Equatable {
        case metadata(key: String, value: String)
        case status(PaymentIntent.Status)
    }

    /// Stripe's own limit.
    static let maximumClauses = 10

    let clauses: [Clause]

    /// The order that the query names, which is indexed.
    var orderID: String? {
        for case .metadata("order_id", let value) in clauses { return value }
        return nil
    }

    /// Throws an `invalid_request_error` that names `query`.
    init(parsing text: String) throws(StripeError) {
        var scanner = Scanner(rest: text[...])
        var clauses = [try scanner.clause()]
        while !scanner.isAtEnd {
            guard scanner.skip(" AND ") || scanner.skip(" and ") else { throw Self.malformed("expected AND") }
            clauses.append(try scanner.clause())
            guard clauses.count <= Self.maximumClauses else { throw Self.malformed("at most \(Self.maximumClauses) clauses are allowed") }
        }
        self.clauses = clauses
    }

    func matches(_ payment: PaymentIntent) -> Bool {
        clauses.allSatisfy { clause in
            switch clause {
            case .metadata(let key, let value): payment.metadata[key] == value
            case .status(let status): payment.status == status
            }
        }
    }

    private static func malformed(_ why: String) -> StripeError {
        .invalidRequest(
            "We were unable to parse your search query: \(why). Example: metadata['order_id']:'42' AND status:'succeeded'.",
            parameter: "query")
    }

    private struct Scanner {
        var rest: Substring

        var isAtEnd: Bool { rest.isEmpty }

        mutating func skip(_ text: String) -> Bool {
            guard rest.hasPrefix(text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }

        mutating func clause() throws(StripeError) -> Clause {
            if skip("metadata[") {
                let key = try quoted()
                guard skip("]:") else { throw SearchQuery.malformed("expected ]: after the metadata key") }
                return .metadata(key: key, value: try quoted())
            }
            guard skip("status:") else { throw SearchQuery.malformed("the sandbox searches metadata[…] and status only") }
            let value = try quoted()
            guard let status = PaymentIntent.Status(rawValue: value) else { throw SearchQuery.malformed("no such status: \(value)") }
            return .status(status)
        }

        /// A text in single or double quotes; a backslash takes the next character as it is.
        private mutating func quoted() throws(StripeError) -> String {
            guard let quote = rest.first, quote == "'" || quote == "\"" else { throw SearchQuery.malformed("expected a quoted text") }
            rest.removeFirst()
            var text = ""
            while let character = rest.popFirst() {
                if character == quote { return text }
                if character == "\\", let escaped = rest.popFirst() {
                    text.append(escaped)
                } else {
                    text.append(character)
                }
            }
            throw SearchQuery.malformed("a quote is not closed")
        }
    }
}
