import FoundationEssentials
import Messaging
import Secrets
import Testing

@testable import Ingress

/// With the key, the signature and the body of SendGrid's own libraries' tests.
@Suite(.timeLimit(.minutes(1))) struct SendGridWebhookTests {
    private static let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    private static let other = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEI05QdK5+hXDdAKlK9RZm309ZfC7P7OJz6oj7QDrS50xSGom1pwoL8ONudcWOvfIeUhEhCRFZIJd4+7BKYjHX7g=="
    private static let signature = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    private static let time = "1600112502"
    private static let body =
        #"[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","#
        + #""sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","#
        + #""smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]"# + "\r\n"

    private func send(
        _ requests: FakeRequests, signature: String? = signature, time: String? = time, body: String = body, keys: [String] = [key]
    ) async throws -> TestResponse {
        var configuration = TestIngress.configuration
        configuration.webhookSecrets["sendgrid"] = WebhookSecrets { keys }
        let headers = [
            signature.map { "X-Twilio-Email-Event-Webhook-Signature: \($0)" }, time.map { "X-Twilio-Email-Event-Webhook-Timestamp: \($0)" },
        ].compactMap(\.self)
        return try await TestIngress.with(requests, configuration) { port in
            try await TestIngress.exchange(port, "POST /v1/webhooks/sendgrid", headers: headers, body: body)
        }
    }

    @Test func `what SendGrid has signed is forwarded unchanged`() async throws {
        let requests = FakeRequests()
        #expect(try await send(requests, keys: [Self.other, Self.key]).status == 200)
        let sent = try #require(requests.sent.first)
        #expect(sent.request.operation == "notifications.webhooks.sendgrid" && sent.request.body == Array(Self.body.utf8))
    }

    @Test func `what SendGrid has not signed is 400 and not forwarded`() async throws {
        let requests = FakeRequests()
        #expect(try await send(requests, signature: nil).status == 400)
        #expect(try await send(requests, time: nil).status == 400)
        #expect(try await send(requests, time: "1600112503").status == 400)
        #expect(try await send(requests, body: Self.body + " ").status == 400)
        #expect(try await send(requests, keys: [Self.other]).status == 400)
        #expect(try await send(requests, keys: ["no key"]).status == 400)
        for signature in ["", "!", "AAAA", String(Self.signature.dropLast(4)), String(repeating: "A", count: 300)] {
            #expect(try await send(requests, signature: signature).status == 400, "\(signature)")
        }
        #expect(requests.sent.isEmpty)
        #expect(try await send(requests, keys: []).status == 503, "no key is configured")
    }

    @Test func `only a key on an elliptic curve is accepted`() {
        #expect(VerifyingKey(base64: Self.key) != nil)
        let ed25519 = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
        for text in ["", "AAAA", String(Self.key.dropLast(8)), ed25519] { #expect(VerifyingKey(base64: text) == nil, "\(text)") }
    }
}
