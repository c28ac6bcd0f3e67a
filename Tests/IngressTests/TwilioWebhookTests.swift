import FoundationEssentials
import Messaging
import Secrets
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct TwilioWebhookTests {
    private static let url = "https://shop.example/v1/webhooks/twilio"
    private static let token = "twilio-token"
    private static let id = "3d1b8c56-0d4f-4a8c-9e57-6f2a1b9c7d33"
    private static let body = "MessageSid=SM1&MessageStatus=delivered&To=%2B4930123456&From=Wharf+Shop"

    private static func sign(_ text: String, _ token: String = token) -> String {
        Base64.encode(HMACSHA1.authenticate(Array(text.utf8), key: Array(token.utf8)))
    }

    /// What Twilio signs for `body`.
    private static let signed = "\(url)?notification=\(id)FromWharf ShopMessageSidSM1MessageStatusdeliveredTo+4930123456"

    private static var configuration: IngressConfiguration {
        var configuration = TestIngress.configuration
        configuration.webhookSecrets["twilio"] = [token]
        configuration.webhookURLs["twilio"] = url
        return configuration
    }

    private func send(
        _ requests: FakeRequests, _ signatures: [String], query: String = "?notification=\(id)", body: String = body, _ configuration: IngressConfiguration = configuration
    ) async throws -> TestResponse {
        try await TestIngress.with(requests, configuration) { port in
            try await TestIngress.exchange(
                port, "POST /v1/webhooks/twilio\(query)", headers: signatures.map { "X-Twilio-Signature: \($0)" }, body: body,
                type: "application/x-www-form-urlencoded")
        }
    }

    @Test func `a signed report is forwarded unchanged, with the id of its notification`() async throws {
        let requests = FakeRequests()
        let response = try await send(requests, [Self.sign(Self.signed)])
        #expect(response.status == 200 && response.text == #"{"received":true}"#)
        let sent = try #require(requests.sent.first)
        #expect(sent.request.operation == "notifications.webhooks.twilio" && sent.request.body == Array(Self.body.utf8))
        #expect(sent.request.parameters == ["notification": Self.id])
    }

    @Test func `a report with a different URL, field or token is 400 and not forwarded`() async throws {
        let requests = FakeRequests()
        let right = Self.sign(Self.signed)
        let other = "?notification=\(UUID().uuidString.lowercased())"
        #expect(try await send(requests, []).status == 400)
        #expect(try await send(requests, [right, right]).status == 400)
        #expect(try await send(requests, [Self.sign(Self.signed, "another")]).status == 400)
        #expect(try await send(requests, [right], query: other).status == 400)
        #expect(try await send(requests, [right], query: "").status == 400)
        #expect(try await send(requests, [right], body: Self.body + "&ErrorCode=30003").status == 400)
        #expect(try await send(requests, [right], body: Self.body.replacing("delivered", with: "failed")).status == 400)
        #expect(try await send(requests, [right], body: "%zz=1").status == 400)
        #expect(requests.sent.isEmpty)
        #expect(try await send(requests, [right], TestIngress.configuration).status == 503, "no token is configured")
    }

    /// The values of Twilio's own documentation and libraries.
    @Test(arguments: [("RSOYDt4T1cUTdK1PDd93/VVr8B8=", "+14158675309"), ("0/KCTR6DLpKmkAf8muzZqo1nDgQ=", "+12349013030")])
    func `signatures are those in Twilio's documentation`(signature: String, number: String) {
        let fields = [("To", "+18005551212"), ("Digits", "1234"), ("CallSid", "CA1234567890ABCDE"), ("From", number), ("Caller", number)].map { (name: $0.0, value: $0.1) }
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2"
        #expect(TwilioScheme.isValid(signature, url, fields, "12345"))
        #expect(TwilioScheme.isValid(signature, url, fields + fields.prefix(1), "12345"), "a value counts once")
        #expect(!TwilioScheme.isValid(signature, url, fields, "12346"))
        #expect(!TwilioScheme.isValid(signature, url, fields.dropLast(), "12345"))
    }
}
