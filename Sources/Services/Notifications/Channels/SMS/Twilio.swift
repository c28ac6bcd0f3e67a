import FoundationEssentials
import JSON
import Secrets
public import WebClient

/// Sends text messages through Twilio's API.
///
/// Twilio has no idempotency keys: a message whose answer was lost is sent again.
public struct Twilio: TextMessageTransport {
    public static let standardBase = "https://api.twilio.com"
    static let timeout: Duration = .seconds(15)
    private static let maximumAnswer = 64 << 10

    private let transport: any HTTPTransport
    private let account: String
    private let token: @Sendable () -> String
    private let from: String
    private let base: String
    private let webhook: String?

    /// - Parameters:
    ///   - token: read again for each call; used in the Authorization header and nowhere else.
    ///   - from: a number, a name, or the id of a messaging service.
    ///   - webhook: the public URL of the operation that receives Twilio's delivery reports; nil for none.
    public init(transport: any HTTPTransport, account: String, token: @autoclosure @escaping @Sendable () -> String, from: String, base: String = standardBase, webhook: String? = nil) {
        self.transport = transport
        self.account = account
        self.token = token
        self.from = from
        self.base = base.withoutTrailingSlash
        self.webhook = webhook
    }

    public func send(_ text: String, to number: String, id: UUID) async throws(DeliveryError) {
        var fields = [("Body", text), (from.hasPrefix("MG") ? "MessagingServiceSid" : "From", from), ("To", number)]
        // The id is Wharf's own, so that a report can be assigned even if it overtakes Twilio's answer or that answer was lost.
        if let webhook { fields.append(("StatusCallback", "\(webhook)?notification=\(id.lowerCaseText)")) }
        let response = try await APICall.send(
            WebRequest(
                method: "POST", url: "\(base)/2010-04-01/Accounts/\(PercentEncoding.encode(account))/Messages.json",
                headers: [
                    ("Authorization", "Basic \(Base64.encode(Array("\(account):\(token())".utf8)))"), ("Content-Type", "application/x-www-form-urlencoded"),
                ], body: PercentEncoding.form(fields), timeout: Self.timeout, maximumResponseBytes: Self.maximumAnswer), to: "Twilio", over: transport)
        guard response.status != 201 else { return }
        let problem = try? JSON.decode(Problem.self, from: response.body)
        let said = [problem?.code.map(String.init), problem?.message].compactMap(\.self).joined(separator: " ")
        throw DeliveryError(
            "Twilio answered \(response.status)\(said.isEmpty ? "" : ": \(said)")", Self.reason(response.status, code: problem?.code))
    }

    private struct Problem: Decodable {
        let code: Int?
        let message: String?
    }

    /// Errors about the recipient, by Twilio's codes: not a number, cannot be reached from this sender, has opted out, no mobile telephone; or about the
    /// text, which is too long.
    private static let aboutRecipient: Set<Int> = [21211, 21214, 21217, 21610, 21612, 21614, 21617]

    static func reason(_ status: Int, code: Int?) -> DeliveryError.Reason {
        switch status {
        case 400: code.map(aboutRecipient.contains) == true ? .refused : .denied
        case 408, 429: .unavailable
        case 400..<500: .denied
        default: .unavailable
        }
    }
}
