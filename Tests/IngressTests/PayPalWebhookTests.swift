import Contracts
import FoundationEssentials
import Gzip
import Messaging
import Secrets
import Synchronization
import Testing

@testable import Ingress

/// A PayPal webhook is trusted only for its signature, whatever a stranger's headers say.
@Suite(.timeLimit(.minutes(1))) struct PayPalWebhookTests {
    private static let base = "https://api-m.sandbox.paypal.com"
    private static let certificateURL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
    private static let body = #"{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"5O"}}"#

    /// PayPal's certificates, and how often they were fetched.
    private final class Certificates: Sendable {
        let key: SigningKey
        let fetched = Mutex<[String]>([])
        let isAway = Mutex(false)
        private let pem: [UInt8]

        init(life: Int = 86_400) throws {
            key = try SigningKey()
            pem = try key.certificate(name: "messageverificationcerts.sandbox.paypal.com", life: life)
        }

        struct Away: Error {}

        var webhooks: PayPalWebhooks {
            PayPalWebhooks(webhookID: "WH1", apiBase: PayPalWebhookTests.base) { [self] url in
                fetched.withLock { $0.append(url) }
                if isAway.withLock({ $0 }) { throw Away() }
                return url.hasSuffix("/CERT-1") ? pem : url.hasSuffix("/CERT-TEXT") ? Array("not a certificate".utf8) : nil
            }
        }

        var fetches: Int { fetched.withLock { $0.count } }

        /// The headers of a webhook as PayPal sends it, except those in `changes`, which differ, or are missing if nil there.
        func headers(
            _ body: String = PayPalWebhookTests.body, at time: Date = Date(), webhookID: String = "WH1", changes: [String: String?] = [:]
        ) -> [String: [String]] {
            let (id, text) = ("69cd13f0-d67a-11e5-baa3-778b53f4ae55", time.ISO8601Format())
            let message = "\(id)|\(text)|\(webhookID)|\(CRC32.checksum(Array(body.utf8)))"
            var headers: [String: String?] = [
                "paypal-transmission-id": id, "paypal-transmission-time": text, "paypal-transmission-sig": Base64.encode((try? key.sign(Array(message.utf8))) ?? []),
                "paypal-cert-url": PayPalWebhookTests.certificateURL, "paypal-auth-algo": "SHA256withRSA",
            ]
            for (name, value) in changes { headers[name] = value }
            return headers.compactMapValues { $0.map { [$0] } }
        }
    }

    private func verify(_ scheme: PayPalScheme, _ headers: [String: [String]], _ body: String = body, now: Date = Date()) async -> WebhookFault? {
        do throws(WebhookFault) {
            try await scheme.verify({ headers[$0] ?? [] }, Array(body.utf8), query: [:], now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test func `the checksum is the standard one`() {
        #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test func `signed webhooks are accepted, and their certificate is fetched once`() async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        for second in 0..<5 { #expect(await verify(scheme, certificates.headers(at: Date() - Double(second))) == nil) }
        #expect(certificates.fetches == 1)
    }

    @Test func `anything that the signature does not cover is refused`() async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        let other = try Certificates()
        let forgeries: [(String, [String: [String]], String)] = [
            ("another body", certificates.headers(), Self.body + " "), ("another webhook", certificates.headers(webhookID: "WH2"), Self.body),
            ("another id", certificates.headers(changes: ["paypal-transmission-id": "1"]), Self.body),
            ("another time", certificates.headers(changes: ["paypal-transmission-time": (Date() + 1).ISO8601Format()]), Self.body),
            ("another key", other.headers(), Self.body), ("no signature", certificates.headers(changes: ["paypal-transmission-sig": ""]), Self.body),
            ("not Base64", certificates.headers(changes: ["paypal-transmission-sig": "%%%"]), Self.body),
            ("another algorithm", certificates.headers(changes: ["paypal-auth-algo": "SHA1withRSA"]), Self.body),
            ("not a time", certificates.headers(changes: ["paypal-transmission-time": "now"]), Self.body),
            ("too old", certificates.headers(at: Date() - 301), Self.body),
            ("two signatures", certificates.headers().merging(["paypal-transmission-sig": ["a", "b"]]) { $1 }, Self.body),
        ]
        for (what, headers, body) in forgeries {
            let fault = await verify(scheme, headers, body)
            #expect(fault != nil && fault?.isTemporary == false, "\(what)")
        }
        for name in PayPalScheme.headers {
            #expect(await verify(scheme, certificates.headers(changes: [name: nil])) != nil, "\(name)")
        }
    }

    @Test(arguments: [
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1", "https://evil.example/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1", "https://api.sandbox.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1", "https://api.sandbox.paypal.com/v1/notifications/certs/../../oauth2/token",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1?x=1", "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.sandbox.paypal.com/v1/notifications/certs/", "https://api.sandbox.paypal.com/v1/notifications/certs/%2e%2e", "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "file:///etc/passwd", "https://127.0.0.1/v1/notifications/certs/CERT-1", "", "HTTPS://API.SANDBOX.PAYPAL.COM/v1/notifications/certs/CERT-1",
    ])
    func `nothing is fetched from an address that is not exactly one of PayPal's`(url: String) async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        #expect(await verify(scheme, certificates.headers(changes: ["paypal-cert-url": url]))?.isTemporary == false)
        #expect(certificates.fetches == 0)
    }

    @Test func `a stranger can neither make many fetches nor push out the certificate in use`() async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        #expect(await verify(scheme, certificates.headers()) == nil)
        for number in 0..<200 {
            let url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-X\(number)"
            _ = await verify(scheme, certificates.headers(changes: ["paypal-cert-url": url]))
        }
        #expect(certificates.fetches == PayPalCertificates.maximumFetches)
        #expect(await verify(scheme, certificates.headers()) == nil)
        // A new certificate has to wait for a minute.
        let url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-2"
        #expect(await verify(scheme, certificates.headers(changes: ["paypal-cert-url": url]))?.isTemporary == true)
        let later = Date() + 61
        #expect(await verify(scheme, certificates.headers(at: later, changes: ["paypal-cert-url": url]), now: later)?.isTemporary == false)
    }

    @Test func `a certificate that is kept is fetched again after a day, whatever strangers do, and used on while that fails`() async throws {
        let certificates = try Certificates(life: 10 * 86_400)
        let scheme = PayPalScheme(certificates.webhooks)
        #expect(await verify(scheme, certificates.headers()) == nil)
        let day = Date() + PayPalCertificates.life + 1
        for number in 0..<20 {
            let url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-X\(number)"
            _ = await verify(scheme, certificates.headers(at: day, changes: ["paypal-cert-url": url]), now: day)
        }
        let before = certificates.fetches
        certificates.isAway.withLock { $0 = true }
        // Once a minute, also for those who forge.
        for _ in 0..<5 {
            #expect(await verify(scheme, certificates.headers(at: day), now: day) == nil)
            #expect(await verify(scheme, certificates.headers(at: day), "{}", now: day) != nil)
        }
        #expect(certificates.fetches == before + 1)
        certificates.isAway.withLock { $0 = false }
        for second in 61..<65 {
            let later = day + Double(second)
            #expect(await verify(scheme, certificates.headers(at: later), now: later) == nil)
        }
        #expect(certificates.fetches == before + 2)
        let end = day + 12 * 86_400
        certificates.isAway.withLock { $0 = true }
        #expect(await verify(scheme, certificates.headers(at: end), now: end)?.isTemporary == false, "it has ended")
    }

    @Test func `a body that is forged under a real certificate's address costs a fetch each only until that has proved one`() async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        for _ in 0..<3 { #expect(await verify(scheme, certificates.headers(), "{}") != nil) }
        #expect(certificates.fetches == 3)
        #expect(await verify(scheme, certificates.headers()) == nil)
        for _ in 0..<3 { #expect(await verify(scheme, certificates.headers(), "{}") != nil) }
        #expect(certificates.fetches == 4)
    }

    @Test func `while PayPal does not serve its certificate, a webhook is answered so that it is sent again`() async throws {
        let certificates = try Certificates()
        let scheme = PayPalScheme(certificates.webhooks)
        certificates.isAway.withLock { $0 = true }
        #expect(await verify(scheme, certificates.headers())?.isTemporary == true)
        certificates.isAway.withLock { $0 = false }
        #expect(await verify(scheme, certificates.headers()) == nil)
    }

    @Test func `an expired certificate, or a text that is not one, verifies nothing`() async throws {
        let ended = try Certificates(life: -60)
        #expect(await verify(PayPalScheme(ended.webhooks), ended.headers())?.isTemporary == false)
        let certificates = try Certificates()
        let url = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-TEXT"
        #expect(await verify(PayPalScheme(certificates.webhooks), certificates.headers(changes: ["paypal-cert-url": url]))?.isTemporary == false)
    }

    @Test func `over HTTP a signed event is forwarded unchanged, a forged one is 400, and without a webhook id both are 503`() async throws {
        let certificates = try Certificates()
        var configuration = TestIngress.configuration
        configuration.payPalWebhooks = certificates.webhooks
        let requests = FakeRequests()
        let headers = certificates.headers().flatMap { name, values in values.map { "\(name): \($0)" } }
        func send(_ headers: [String], _ body: String, _ configuration: IngressConfiguration) async throws -> TestResponse {
            try await TestIngress.with(requests, configuration) { port in
                try await TestIngress.exchange(port, "POST /v1/webhooks/paypal", headers: headers, body: body)
            }
        }
        let accepted = try await send(headers, Self.body, configuration)
        #expect(accepted.status == 200 && accepted.text == #"{"received":true}"#)
        let sent = try #require(requests.sent.first)
        #expect(sent.request.operation == "payments.webhooks.paypal" && sent.request.body == Array(Self.body.utf8) && sent.request.parameters.isEmpty)
        let forged = try await send(headers, Self.body + " ", configuration)
        #expect(forged.status == 400 && forged.problem?.type == "https://wharf.dev/problems/bad-signature")
        #expect(try await send(headers, Self.body, TestIngress.configuration).status == 503)
        #expect(requests.sent.count == 1)
        let other = #"{"id":"WH-2","event_type":"BILLING.PLAN.CREATED"}"#
        let unwanted = certificates.headers(other).flatMap { name, values in values.map { "\(name): \($0)" } }
        #expect(try await send(unwanted, other, configuration).status == 200)
        #expect(requests.sent.count == 1)
    }
}
