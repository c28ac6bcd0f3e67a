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
    private let token: String
    private let from: String
    private let base: String

    /// - Parameters:
    ///   - token: used in the Authorization header and nowhere else.
    ///   - from: a number, a name, or the id of a messaging service.
    public init(transport: any HTTPTransport, account: String, token: String, from: String, base: String = standardBase) {
        self.transport = transport
        self.account = account
        self.token = token
        self.from = from
        self.base = base.withoutTrailingSlash
    }

    public func send(_ text: String, to number: String) async throws(DeliveryError) {
        let fields = [("Body", text), (from.hasPrefix("MG") ? "MessagingServiceSid" : "From", from), ("To", number)]
        let response = try await APICall.send(
            WebRequest(
                method: "POST", url: "\(base)/2010-04-01/Accounts/\(PercentEncoding.encode(account))/Messages.json",
                headers: [
                    ("Authorization", "Basic \(Base64.encode(Array("\(account):\(token)".utf8)))"), ("Content-Type", "application/x-www-form-urlencoded"),
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
