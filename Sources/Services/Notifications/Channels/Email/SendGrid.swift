import Contracts
import FoundationEssentials
import JSON
import Secrets
public import WebClient

/// Sends mail through SendGrid's v3 API.
///
/// SendGrid has no idempotency keys: a mail whose answer was lost is sent again, under the same Message-ID.
public struct SendGrid: MailTransport {
    public static let standardBase = "https://api.sendgrid.com"
    static let timeout: Duration = .seconds(15)
    /// Only errors are read from responses.
    private static let maximumAnswer = 64 << 10

    private let transport: any HTTPTransport
    private let key: @Sendable () -> String
    private let base: String

    /// - Parameter key: read again for each call; used in the Authorization header and nowhere else.
    public init(transport: any HTTPTransport, key: @autoclosure @escaping @Sendable () -> String, base: String = standardBase) {
        self.transport = transport
        self.key = key
        self.base = base.withoutTrailingSlash
    }

    public func send(_ mail: Mail) async throws(DeliveryError) {
        let response = try await APICall.send(
            WebRequest(
                method: "POST", url: "\(base)/v3/mail/send", headers: [("Authorization", "Bearer \(key())"), ("Content-Type", "application/json")],
                body: try Self.body(of: mail), timeout: Self.timeout, maximumResponseBytes: Self.maximumAnswer), to: "SendGrid", over: transport)
        guard response.status != 202 else { return }
        let problems = (try? JSON.decode(Problems.self, from: response.body))?.errors ?? []
        let said = problems.first.map { ": \($0.message)" } ?? ""
        throw DeliveryError("SendGrid answered \(response.status)\(said)", Self.reason(response.status, fields: problems.map { $0.field ?? "" }))
    }

    /// Whom a rejection is about. The field of a 400 says so: `personalizations` holds the recipient; `from` and others are the shop's.
    static func reason(_ status: Int, fields: [String]) -> DeliveryError.Reason {
        switch status {
        case 400:
            let blamesMail = fields.contains { field in ["personalizations", "content", "subject"].contains { field.hasPrefix($0) } }
            return blamesMail ? .refused : .denied
        // The mail is larger than SendGrid accepts.
        case 413: return .refused
        case 408, 429: return .unavailable
        case 400..<500: return .denied
        // An undocumented success, a redirect, or a failure at SendGrid.
        default: return .unavailable
        }
    }

    private static func body(of mail: Mail) throws(DeliveryError) -> [UInt8] {
        do {
            return try JSON.encode(Message(mail))
        } catch {
            throw DeliveryError("The mail cannot be encoded", .refused)
        }
    }
}

// MARK: - Shapes

extension SendGrid {
    private struct Problems: Decodable {
        struct Problem: Decodable {
            let message: String
            let field: String?
        }

        let errors: [Problem]
    }

    private struct Message: Encodable {
        struct Address: Encodable {
            let email: String
            let name: String?
        }

        struct Personalization: Encodable {
            let to: [Address]
            /// SendGrid returns it with every event of the mail.
            let arguments: [String: String]

            private enum CodingKeys: String, CodingKey {
                case to
                case arguments = "custom_args"
            }
        }

        struct Content: Encodable {
            let type, value: String
        }

        let personalizations: [Personalization]
        let from: Address
        let subject: String
        let content: [Content]
        let headers: [String: String]
        /// Nothing rewrites the links of a mail, which may hold what only its reader should know, and nothing reports that it was opened.
        let tracking = ["click_tracking", "open_tracking", "subscription_tracking"].reduce(into: [:]) { $0[$1] = ["enable": false] }

        private enum CodingKeys: String, CodingKey {
            case personalizations, from, subject, content, headers
            case tracking = "tracking_settings"
        }

        init(_ mail: Mail) {
            let recipient = Address(email: mail.recipient.address, name: mail.recipient.name)
            personalizations = [Personalization(to: [recipient], arguments: ["notification": mail.notification.lowerCaseText])]
            from = Address(email: mail.sender.address, name: mail.sender.name)
            subject = mail.subject
            content = [Content(type: "text/plain", value: mail.text), Content(type: "text/html", value: mail.html)]
            headers = ["Message-ID": mail.messageID, "Auto-Submitted": "auto-generated"]
        }
    }
}
