import Contracts
import FoundationEssentials
import Messaging
import Secrets
import TestKit
import Testing

@testable import Ingress

@Suite(.timeLimit(.minutes(1))) struct WebhookTests {
    private static let body = #"{"id":"evt_1", "type":"payment_intent.succeeded"}"#

    private static func code(_ timestamp: Int64, _ body: String = body, secret: String = TestIngress.webhookSecret) -> String {
        Hex.encode(HMACSHA256.authenticate(Array("\(timestamp).\(body)".utf8), key: Array(secret.utf8)))
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    private func send(
        _ requests: FakeRequests, _ signatures: [String], _ configuration: IngressConfiguration = TestIngress.configuration, body: String = body
    ) async throws -> TestResponse {
        try await TestIngress.with(requests, configuration) { port in
            try await TestIngress.exchange(
                port, "POST /v1/webhooks/stripe", headers: signatures.map { "Stripe-Signature: \($0)" }, body: body)
        }
    }

    @Test(arguments: [
        (#"{"id":"evt_1","type":"charge.succeeded"}"#, false), (#"{"id":"evt_1","type":"a.type.of.tomorrow"}"#, false),
        (#"{"id":"evt_1","type":"charge.refunded"}"#, true), (#"{"id":"evt_1","type":"refund.failed"}"#, true), (#"{"id":"evt_1","type":"charge.dispute.closed"}"#, true), (#"{"id":"evt_1"}"#, true),
        (#"{"id":"evt_1","type":7}"#, true), ("nonsense", true),
    ])
    func `an event of a type that no service needs is answered and not posted; what cannot be told is posted`(body: String, isPosted: Bool) async throws {
        let requests = FakeRequests()
        let response = try await send(requests, ["t=\(Self.now),v1=\(Self.code(Self.now, body))"], body: body)
        #expect(response.status == 200 && response.text == #"{"received":true}"#)
        #expect(requests.sent.isEmpty == !isPosted)
        let forged = try await send(requests, ["t=\(Self.now),v1=00"], body: body)
        #expect(forged.status == 400)
    }

    @Test func `a signed event is posted as it came and answered`() async throws {
        let requests = FakeRequests()
        let response = try await send(requests, ["t=\(Self.now),v0=00,v1=\(Self.code(Self.now))"])
        #expect(response.status == 200)
        #expect(response.text == #"{"received":true}"#)
        let sent = try #require(requests.sent.first)
        #expect(sent.durability == nil)
        #expect(sent.request.operation == "payments.webhooks.stripe")
        #expect(sent.request.body == Array(Self.body.utf8))
        #expect(sent.request.parameters.isEmpty)
    }

    @Test func `one valid code of several is enough`() async throws {
        let response = try await send(
            FakeRequests(), ["t=\(Self.now),v1=\(Self.code(Self.now, secret: "whsec_old")),v1=\(Self.code(Self.now))"])
        #expect(response.status == 200)
    }

    /// While a secret is replaced, the sender signs with the old one, the new one, or both.
    @Test func `any of the configured secrets may have signed, and no other`() async throws {
        var configuration = TestIngress.configuration
        configuration.webhookSecrets = ["stripe": ["whsec_old", "whsec_new"]]
        for (secret, status) in [("whsec_old", 200), ("whsec_new", 200), (TestIngress.webhookSecret, 400)] {
            let response = try await send(FakeRequests(), ["t=\(Self.now),v1=\(Self.code(Self.now, secret: secret))"], configuration)
            #expect(response.status == status, "\(secret)")
        }
    }

    @Test func `a secret that is replaced while the ingress runs takes effect at once`() async throws {
        let secrets = Changing(["whsec_old"])
        var configuration = TestIngress.configuration
        configuration.webhookSecrets = ["stripe": WebhookSecrets { secrets.current }]
        try await TestIngress.with(FakeRequests(), configuration) { port in
            func status(_ secret: String) async throws -> Int {
                let signature = "t=\(Self.now),v1=\(Self.code(Self.now, secret: secret))"
                return try await TestIngress.exchange(port, "POST /v1/webhooks/stripe", headers: ["Stripe-Signature: \(signature)"], body: Self.body).status
            }
            let before = [try await status("whsec_old"), try await status("whsec_new")]
            secrets.become(["whsec_new"])
            #expect(before == [200, 400])
            #expect([try await status("whsec_old"), try await status("whsec_new")] == [400, 200])
        }
    }

    @Test func `a signature from a clock ahead of ours is accepted`() async throws {
        let ahead = Self.now + 400
        let response = try await send(FakeRequests(), ["t=\(ahead),v1=\(Self.code(ahead))"])
        #expect(response.status == 200)
    }

    @Test func `a repeated event is the same message`() async throws {
        let requests = FakeRequests()
        _ = try await send(requests, ["t=\(Self.now),v1=\(Self.code(Self.now))"])
        _ = try await send(requests, ["t=\(Self.now - 9),v1=\(Self.code(Self.now - 9))"])
        #expect(requests.sent.count == 2)
        #expect(Set(requests.sent.map(\.request.id)).count == 1)
    }

    @Test func `an event not signed with the secret is 400 and not forwarded`() async throws {
        let now = Self.now
        let signatures = [
            [], ["nonsense"], ["v1=\(Self.code(now))"], ["t=\(now)"], ["t=x,v1=\(Self.code(now))"],
            ["t=\(now),v1=\(Self.code(now, secret: "other"))"], ["t=\(now + 1),v1=\(Self.code(now))"],
            ["t=\(now),v1=\(Self.code(now, "{}"))"], ["t=\(now),v1=zz"], ["t=\(now),v0=\(Self.code(now))"],
            ["t=\(now - 3_000),v1=\(Self.code(now - 3_000))"], ["t=\(now - 400),v1=\(Self.code(now - 400))"],
            ["t=\(now),v1=\(Self.code(now).uppercased())"], ["t=\(now), v1=\(Self.code(now))"], ["t=\(now),v1= \(Self.code(now))"],
            ["t=\(now),t=\(now),v1=\(Self.code(now))"],
        ]
        let requests = FakeRequests()
        try await TestIngress.with(requests) { port in
            for signature in signatures {
                let response = try await TestIngress.exchange(
                    port, "POST /v1/webhooks/stripe", headers: signature.map { "Stripe-Signature: \($0)" }, body: Self.body)
                #expect(response.status == 400, "\(signature)")
                #expect(response.problem?.type == "https://wharf.dev/problems/bad-signature")
            }
        }
        #expect(requests.sent.isEmpty)
    }

    @Test func `without a secret a webhook is 503`() async throws {
        var configuration = TestIngress.configuration
        configuration.webhookSecrets = [:]
        let response = try await send(FakeRequests(), ["t=\(Self.now),v1=\(Self.code(Self.now))"], configuration)
        #expect(response.status == 503)
        #expect(response.problem != nil)
    }

    @Test func `an event that the broker rejects is 503, so that it is sent again`() async throws {
        let requests = FakeRequests { _ in throw RequestClient.Unanswered.refused("blocked") }
        let response = try await send(requests, ["t=\(Self.now),v1=\(Self.code(Self.now))"])
        #expect(response.status == 503)
        #expect(response.headers["retry-after"] == "1")
    }

    @Test func `while the broker accepts nothing a webhook is 503 at once`() async throws {
        let requests = FakeRequests()
        requests.isReady = false
        let response = try await send(requests, ["t=\(Self.now),v1=\(Self.code(Self.now))"])
        #expect(response.status == 503)
        #expect(requests.sent.isEmpty)
    }

    @Test func `an event past its own bound is 413`() async throws {
        let response = try await TestIngress.with { port in
            try await TestIngress.exchange(port, "POST /v1/webhooks/stripe", body: String(repeating: "x", count: 262_145))
        }
        #expect(response.status == 413)
    }

    @Test func `a signature is valid until it is 300 seconds old`() throws {
        let time: Int64 = 1_768_469_400
        let signature = try StripeSignature(["t=\(time),v1=\(Self.code(time))"])
        for seconds in [-301.0, 0, 300] {
            #expect(throws: Never.self) {
                try signature.verify(
                    Array(Self.body.utf8), secrets: [TestIngress.webhookSecret], now: Date(timeIntervalSince1970: Double(time) + seconds))
            }
        }
        #expect(throws: StripeSignature.Fault.outOfTime) {
            try signature.verify(
                Array(Self.body.utf8), secrets: [TestIngress.webhookSecret], now: Date(timeIntervalSince1970: Double(time) + 301))
        }
    }
}
