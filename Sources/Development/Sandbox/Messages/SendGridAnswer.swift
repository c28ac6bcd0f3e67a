import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON

/// SendGrid's answers to `POST /v3/mail/send`. The account may not use senders under `unverified.example`.
enum SendGridAnswer {
    static var unauthorized: Response { failure(.unauthorized, "The provided authorization grant is invalid, expired, or revoked") }

    static func failure(_ status: HTTPResponse.Status) -> Response {
        status == .tooManyRequests ? failure(status, "too many requests") : failure(status, "internal server error")
    }

    static func take(_ body: [UInt8], at now: Date) -> (Response, RecordedMessage?) {
        guard let mail = try? JSONDecoder().decode(Mail.self, from: Data(body)) else { return (failure(.badRequest, "Bad Request"), nil) }
        if let (field, message) = mail.flaw { return (failure(.badRequest, message, field: field), nil) }
        guard !mail.from.email.hasSuffix("@unverified.example") else {
            return (failure(.forbidden, "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", field: "from"), nil)
        }
        let id = Identifier.make("")
        let message = RecordedMessage(
            id: id, vendor: .sendgrid, from: mail.from.email, to: mail.recipients.joined(separator: ", "), subject: mail.subject ?? "",
            text: mail.content(of: "text/plain"), html: mail.content(of: "text/html"), headers: mail.headers ?? [:], at: now)
        var response = Response(status: .accepted)
        if let name = HTTPField.Name("X-Message-Id") { response.headers[name] = id }
        return (response, message)
    }

    private static func failure(_ status: HTTPResponse.Status, _ message: String, field: String? = nil) -> Response {
        Response(
            json: JSONWriter.object { writer in
                writer.field("errors") { writer in
                    writer.array([message]) { writer, message in
                        writer.object { writer in
                            writer.field("message", message)
                            writer.field("field", field)
                            writer.field("help", nil as String?)
                        }
                    }
                }
            }, status: status)
    }

    private struct Mail: Decodable {
        struct Address: Decodable {
            let email: String
        }

        struct Personalization: Decodable {
            let to: [Address]
        }

        struct Content: Decodable {
            let type, value: String
        }

        let personalizations: [Personalization]?
        let from: Address
        let subject: String?
        let content: [Content]?
        let headers: [String: String]?

        var recipients: [String] { (personalizations ?? []).flatMap(\.to).map(\.email) }

        func content(of type: String) -> String { content?.first { $0.type == type }?.value ?? "" }

        /// The first mistake, as SendGrid reports it.
        var flaw: (field: String, message: String)? {
            if recipients.isEmpty { return ("personalizations", "The personalizations field is required and must have at least one personalization.") }
            if let place = recipients.firstIndex(where: { !Self.isAddress($0) }) {
                return ("personalizations.\(place).to.0.email", "Does not contain a valid address.")
            }
            if !Self.isAddress(from.email) { return ("from.email", "Does not contain a valid address.") }
            if subject?.isEmpty ?? true {
                return ("subject", "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.")
            }
            if content?.isEmpty ?? true { return ("content", "Unless a valid template_id is provided, the content parameter is required.") }
            return content?.contains { $0.value.isEmpty } == true ? ("content.0.value", "The content value must be a string at least one character in length.") : nil
        }

        private static func isAddress(_ text: String) -> Bool {
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && parts.last?.contains(".") == true
        }
    }
}
