/// Errors in a request before anything is carried out.
extension StripeError {
    static func invalidRequest(_ message: String, parameter: String? = nil) -> Self {
        StripeError(status: 400, kind: .invalidRequest, message: message, parameter: parameter)
    }

    static func missingParameter(_ name: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "parameter_missing", message: "Missing required param: \(name).", parameter: name)
    }

    static func emptyParameter(_ name: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "parameter_invalid_empty",
            message: "You passed an empty string for '\(name)'. We assume empty values are an attempt to unset a parameter; "
                + "however '\(name)' cannot be unset.",
            parameter: name)
    }

    static func unknownParameter(_ name: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "parameter_unknown", message: "Received unknown parameter: \(name)", parameter: name)
    }

    static func invalidInteger(_ name: String, value: String) -> Self {
        invalidInteger(name, message: "Invalid integer: \(value)")
    }

    static func invalidInteger(_ name: String, message: String) -> Self {
        StripeError(status: 400, kind: .invalidRequest, code: "parameter_invalid_integer", message: message, parameter: name)
    }

    static let missingKey = StripeError(
        status: 401, kind: .invalidRequest,
        message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
            + "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")

    static let wrongKey = StripeError(status: 401, kind: .invalidRequest, message: "Invalid API Key provided.")

    static func unknownURL(method: String, path: String) -> Self {
        StripeError(
            status: 404, kind: .invalidRequest, message: "Unrecognized request URL (\(method): \(path)).")
    }

    static func bodyTooLarge(limit: Int) -> Self {
        StripeError(status: 413, kind: .invalidRequest, message: "The request's body is larger than \(limit) bytes.")
    }

    static let rateLimited = StripeError(
        status: 429, kind: .invalidRequest, code: "rate_limit", message: "Request rate limit exceeded. Please retry later.")

    static func full(_ what: String, limit: Int) -> Self {
        StripeError(
            status: 429, kind: .invalidRequest, code: "rate_limit",
            message: "This sandbox keeps at most \(limit) \(what). Restart it with an empty ledger.")
    }

    static let serverError = StripeError(
        status: 500, kind: .api, message: "An unknown error occurred. (Injected by the sandbox's faults.)")

    static let journalUnavailable = StripeError(
        status: 500, kind: .api, message: "The sandbox is stopping: its journal takes no more entries.")
}

/// Stripe's errors about idempotency keys.
extension StripeError {
    static func keyTooLong(limit: Int) -> Self {
        StripeError(status: 400, kind: .idempotency, message: "Idempotency keys can have 1 to \(limit) characters.")
    }

    static func keyInUse(_ key: String) -> Self {
        StripeError(
            status: 409, kind: .idempotency, code: "idempotency_key_in_use",
            message: "There is currently another in-progress request using this Idempotency Key (that probably means you submitted "
                + "twice, and the other request is still going through): \(key). Please try again later.")
    }

    static func keyUsedElsewhere(_ key: String) -> Self {
        StripeError(
            status: 400, kind: .idempotency,
            message: "Keys for idempotent requests can only be used for the same endpoint they were first used for. "
                + "Try using a key other than '\(key)' if you meant to execute a different request.")
    }

    static func keyUsedDifferently(_ key: String) -> Self {
        StripeError(
            status: 400, kind: .idempotency,
            message: "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                + "Try using a key other than '\(key)' if you meant to execute a different request.")
    }
}

/// Errors while a command is carried out.
extension StripeError {
    static func noSuch(_ kind: String, _ id: String, parameter: String, status: Int = 404) -> Self {
        StripeError(
            status: status, kind: .invalidRequest, code: "resource_missing", message: "No such \(kind): '\(id)'", parameter: parameter)
    }

    static func unexpectedState(_ message: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "payment_intent_unexpected_state", message: message, showsPayment: true)
    }

    static func amountTooLarge(_ message: String, parameter: String) -> Self {
        StripeError(status: 400, kind: .invalidRequest, code: "amount_too_large", message: message, parameter: parameter)
    }

    static func disputed(charge: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "charge_disputed", message: "Charge \(charge) has been charged back; cannot issue a refund.",
            charge: charge)
    }

    static func alreadyRefunded(charge: String) -> Self {
        StripeError(
            status: 400, kind: .invalidRequest, code: "charge_already_refunded", message: "Charge \(charge) has already been refunded.",
            charge: charge)
    }
}
