import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON

/// An error in the form of PayPal's API.
struct PayPalError: Error, Sendable, Equatable {
    let status: Int
    let name: String
    var issue: String?
    let description: String

    static func unprocessable(_ issue: String, _ description: String) -> PayPalError {
        PayPalError(status: 422, name: "UNPROCESSABLE_ENTITY", issue: issue, description: description)
    }

    static func invalid(_ issue: String, _ description: String) -> PayPalError {
        PayPalError(status: 400, name: "INVALID_REQUEST", issue: issue, description: description)
    }

    static let notFound = PayPalError(status: 404, name: "RESOURCE_NOT_FOUND", issue: "INVALID_RESOURCE_ID", description: "The specified resource does not exist.")
    static let unauthorized = PayPalError(status: 401, name: "AUTHENTICATION_FAILURE", description: "Authentication failed due to missing or invalid authorization.")
    static let rateLimited = PayPalError(status: 429, name: "RATE_LIMIT_REACHED", description: "Too many requests. Blocked due to rate limiting.")
    static let conflict = PayPalError(
        status: 409, name: "RESOURCE_CONFLICT", issue: "PREVIOUS_REQUEST_IN_PROGRESS", description: "A previous request on this resource is in progress.")
    static let serverError = PayPalError(status: 500, name: "INTERNAL_SERVER_ERROR", description: "An internal server error has occurred.")

    var reply: StoredReply {
        StoredReply(
            status: status,
            body: JSONWriter.object { writer in
                writer.field("name", name)
                writer.field("message", description)
                writer.field("debug_id", Identifier.make(""))
                guard let issue else { return }
                writer.field("details") { writer in
                    writer.array([issue]) { writer, issue in
                        writer.object { writer in
                            writer.field("issue", issue)
                            writer.field("description", description)
                        }
                    }
                }
            })
    }
}
