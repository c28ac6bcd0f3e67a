import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON

/// Twilio's answers to a new message, including those for the numbers of its test credentials.
enum TwilioAnswer {
    static let maximumText = 1_600

    /// https://www.twilio.com/docs/iam/test-credentials
    private static let magicNumbers: [String: (code: Int, message: String)] = [
        "+15005550001": (21211, "Invalid 'To' Phone Number: +15005550001"),
        "+15005550002": (21612, "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"),
        "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
        "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
        "+15005550009": (21614, "'To' number is not a valid mobile number"),
    ]

    static var unauthorized: Response { failure(.unauthorized, 20003, "Authenticate") }

    static func failure(_ status: HTTPResponse.Status) -> Response {
        status == .tooManyRequests ? failure(status, 20429, "Too Many Requests") : failure(status, 20500, "Internal Server Error")
    }

    static func take(_ form: FormParameters, account: String, at now: Date) -> (Response, RecordedMessage?) {
        let fields = Dictionary(form.entries.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        guard let to = fields["To"], !to.isEmpty else { return (failure(.badRequest, 21604, "A 'To' phone number is required."), nil) }
        guard let from = fields["From"] ?? fields["MessagingServiceSid"], !from.isEmpty else {
            return (failure(.badRequest, 21603, "A 'From' phone number is required."), nil)
        }
        guard let text = fields["Body"], !text.isEmpty else { return (failure(.badRequest, 21602, "Message body is required."), nil) }
        guard text.count <= maximumText else { return (failure(.badRequest, 21617, "The concatenated message body exceeds the 1600 character limit."), nil) }
        if from == "+15005550007" { return (failure(.badRequest, 21606, "The 'From' phone number provided is not a valid message-capable Twilio phone number."), nil) }
        if let (code, message) = magicNumbers[to] { return (failure(.badRequest, code, message), nil) }
        guard to.hasPrefix("+"), (8...16).contains(to.utf8.count), to.dropFirst().allSatisfy(\.isNumber) else {
            return (failure(.badRequest, 21211, "Invalid 'To' Phone Number: \(to)"), nil)
        }
        let id = "SM" + UUID().uuidString.filter { $0 != "-" }.lowercased()
        let message = RecordedMessage(id: id, vendor: .twilio, from: from, to: to, text: text, at: now)
        return (accepted(message, account), message)
    }

    private static func accepted(_ message: RecordedMessage, _ account: String) -> Response {
        Response(
            json: JSONWriter.object { writer in
                writer.field("sid", message.id)
                writer.field("account_sid", account)
                writer.field("status", "queued")
                writer.field("direction", "outbound-api")
                writer.field("from", message.from)
                writer.field("to", message.to)
                writer.field("body", message.text)
                writer.field("num_segments", "1")
                writer.field("num_media", "0")
                writer.field("api_version", "2010-04-01")
                writer.field("error_code", nil as Int?)
                writer.field("error_message", nil as String?)
                writer.field("uri", "/2010-04-01/Accounts/\(account)/Messages/\(message.id).json")
            }, status: .created)
    }

    private static func failure(_ status: HTTPResponse.Status, _ code: Int, _ message: String) -> Response {
        Response(
            json: JSONWriter.object { writer in
                writer.field("code", code)
                writer.field("message", message)
                writer.field("more_info", "https://www.twilio.com/docs/errors/\(code)")
                writer.field("status", status.code)
            }, status: status)
    }
}
