import FoundationEssentials
import Synchronization
import Testing
import WebClient

@testable import Sandbox

/// The sandbox's PayPal answers as PayPal documents it.
@Suite(.timeLimit(.minutes(1))) struct PayPalSandboxTests {
    /// A client with a token for the sandbox's PayPal API.
    private struct Client: Sendable {
        let sandbox: TestSandbox
        let token: String

        init(_ sandbox: TestSandbox) async throws {
            self.sandbox = sandbox
            let basic = Data("id:secret".utf8).base64EncodedString()
            let reply = try await sandbox.send(
                "POST", "/v1/oauth2/token", headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded")],
                body: "grant_type=client_credentials")
            #expect(reply.status == 200 && reply.json["token_type"].text == "Bearer")
            token = reply.json["access_token"].text ?? ""
        }

        func post(_ path: String, _ body: String = "{}", id: String? = nil, prefer: Bool = true) async throws -> Reply {
            var headers = [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")]
            if let id { headers.append(("PayPal-Request-Id", id)) }
            if prefer { headers.append(("Prefer", "return=representation")) }
            return try await sandbox.send("POST", path, headers: headers, body: body)
        }

        func get(_ path: String) async throws -> Reply { try await sandbox.send("GET", path, headers: [("Authorization", "Bearer \(token)")]) }

        func create(_ value: String = "19.99", currency: String = "EUR", invoice: String = UUID().uuidString) async throws -> Reply {
            try await post("/v2/checkout/orders", PayPalSandboxTests.order(value, currency, invoice), id: UUID().uuidString)
        }

        func choose(_ outcome: String, _ id: String) async throws -> Reply {
            try await sandbox.send("POST", "/checkoutnow?token=\(id)", headers: [("Content-Type", "application/x-www-form-urlencoded")], body: "outcome=\(outcome)")
        }
    }

    private static func order(_ value: String, _ currency: String = "EUR", _ invoice: String = "I") -> String {
        """
        {"intent": "CAPTURE", "purchase_units": [{"custom_id": "order-1", "invoice_id": "\(invoice)", "description": "Order <b>1</b>",
         "amount": {"currency_code": "\(currency)", "value": "\(value)"}}],
         "payment_source": {"paypal": {"experience_context": {"return_url": "https://shop.example/back?a=1", "cancel_url": "https://shop.example/cart"}}}}
        """
    }

    private func with(_ webhookURL: String? = nil, tokenLife: Int = 32_400, now: @escaping @Sendable () -> Date = { Date() }, _ body: @Sendable (Client) async throws -> Void) async throws {
        try await TestSandbox.run(
            now: now, configure: { $0.payPal = PayPalAccount(clientID: "id", clientSecret: "secret", webhookID: "WH1", webhookURL: webhookURL, tokenLife: tokenLife) }
        ) { sandbox in
            try await body(try await Client(sandbox))
        }
    }

    @Test func `a browser opens the page, approves, and is sent back to the shop; a customer who gives up goes elsewhere`() async throws {
        try await with { client in
            let created = try await client.create()
            let id = created.json["id"].text ?? ""
            #expect(created.status == 201 && created.json["status"].text == "PAYER_ACTION_REQUIRED")
            let page = try #require(created.json["links"].list.first { $0["rel"].text == "payer-action" }?["href"].text)
            #expect(page.hasSuffix("/checkoutnow?token=\(id)"))
            let shown = try await client.sandbox.send("GET", "/checkoutnow?token=\(id)")
            #expect(shown.status == 200 && shown.text.contains("19.99 EUR") && shown.text.contains("&lt;b&gt;") && !shown.text.contains("<b>"))
            let cancelled = try await client.choose("cancel", id)
            #expect(cancelled.status == 303 && cancelled.header("location") == "https://shop.example/cart?token=\(id)")
            #expect(try await client.get("/v2/checkout/orders/\(id)").json["status"].text == "PAYER_ACTION_REQUIRED")
            let approved = try await client.choose("approve", id)
            #expect(approved.header("location")?.hasPrefix("https://shop.example/back?a=1&token=\(id)&PayerID=") == true)
            #expect(try await client.get("/v2/checkout/orders/\(id)").json["status"].text == "APPROVED")
            #expect(try await client.sandbox.send("GET", "/checkoutnow?token=nobody").status == 404)
        }
    }

    @Test func `an order is captured once, and only once it is approved`() async throws {
        try await with { client in
            let id = try await client.create().json["id"].text ?? ""
            let early = try await client.post("/v2/checkout/orders/\(id)/capture")
            #expect(early.status == 422 && early.json["details"].list.first?["issue"].text == "ORDER_NOT_APPROVED")
            _ = try await client.choose("approve", id)
            let first = try await client.post("/v2/checkout/orders/\(id)/capture", id: "key")
            #expect(first.status == 201 && first.json["status"].text == "COMPLETED")
            let replayed = try await client.post("/v2/checkout/orders/\(id)/capture", id: "key")
            #expect(replayed.status == 200 && replayed.text == first.text)
            let second = try await client.post("/v2/checkout/orders/\(id)/capture", id: "other")
            #expect(second.json["details"].list.first?["issue"].text == "ORDER_ALREADY_CAPTURED")
            let ledger = try await client.sandbox.get("/_paypal/ledger").json["payments"].list
            #expect(ledger.map { $0["captured"].number } == [1_999])
        }
    }

    @Test func `one invoice is paid once, whatever orders there are for it`() async throws {
        try await with { client in
            for (number, status) in [(1, 201), (2, 422)] {
                let id = try await client.create(invoice: "I-1").json["id"].text ?? ""
                _ = try await client.choose("approve", id)
                #expect(try await client.post("/v2/checkout/orders/\(id)/capture").status == status, "\(number)")
            }
        }
    }

    @Test func `a request id identifies one request`() async throws {
        try await with { client in
            let first = try await client.post("/v2/checkout/orders", Self.order("5.00"), id: "key")
            let other = try await client.post("/v2/checkout/orders", Self.order("6.00"), id: "key")
            #expect(first.status == 201 && other.status == 422)
        }
    }

    @Test func `a response has no representation unless the request prefers one`() async throws {
        try await with { client in
            let created = try await client.post("/v2/checkout/orders", Self.order("5.00"), prefer: false)
            #expect(created.status == 201 && created.json["id"].text != nil && created.json["purchase_units"].list.isEmpty)
        }
    }

    @Test(arguments: [
        ("EUR", "5.001", 422), ("JPY", "5.5", 422), ("HUF", "5.00", 422), ("KWD", "5.000", 422), ("EUR", "-5", 400), ("EUR", "0.00", 422), ("EUR", "five", 400), ("JPY", "500", 201),
        ("EUR", "5.5", 201),
    ])
    func `an amount that PayPal does not accept is refused`(currency: String, value: String, status: Int) async throws {
        try await with { client in
            let reply = try await client.create(value, currency: currency)
            #expect(reply.status == status)
        }
    }

    @Test func `an order that nobody approves is forgotten after three hours`() async throws {
        let clock = Mutable(Date())
        try await with(now: { clock.value }) { client in
            let id = try await client.create().json["id"].text ?? ""
            clock.value += 3 * 3_600 - 1
            #expect(try await client.get("/v2/checkout/orders/\(id)").status == 200)
            clock.value += 1
            #expect(try await client.get("/v2/checkout/orders/\(id)").status == 404)
        }
    }

    @Test func `tokens expire, and strangers have none`() async throws {
        let clock = Mutable(Date())
        try await with(tokenLife: 60, now: { clock.value }) { client in
            #expect(try await client.create().status == 201)
            clock.value += 61
            #expect(try await client.create().status == 401)
            let wrong = try await client.sandbox.send("POST", "/v1/oauth2/token", headers: [("Authorization", "Basic aWQ6d3Jvbmc=")], body: "grant_type=client_credentials")
            #expect(wrong.status == 401 && wrong.json["error"].text == "invalid_client")
            for path in ["/_paypal/ledger", "/_paypal/faults"] { #expect(try await client.sandbox.get(path, key: nil).status == 401) }
        }
    }

    @Test func `a sandbox that is started again knows its payments`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "wharf-paypal-\(UUID().uuidString)").path
        defer { for name in [file, "\(file).paypal"] { try? FileManager.default.removeItem(atPath: name) } }
        let account = PayPalAccount(clientID: "id", clientSecret: "secret", webhookID: "WH1")
        let made = Mutex<(order: String, capture: String)>(("", ""))
        for round in 1...2 {
            try await TestSandbox.run(configure: {
                ($0.payPal, $0.ledgerFile) = (account, file)
            }) { sandbox in
                let client = try await Client(sandbox)
                if round == 1 {
                    let id = try await client.create(invoice: "I-1").json["id"].text ?? ""
                    _ = try await client.choose("approve", id)
                    let order = try await client.post("/v2/checkout/orders/\(id)/capture").json
                    made.withLock { $0 = (id, order["purchase_units"].list.first?["payments"]["captures"].list.first?["id"].text ?? "") }
                    return
                }
                let (order, capture) = made.withLock { $0 }
                #expect(try await client.get("/v2/checkout/orders/\(order)").json["status"].text == "COMPLETED")
                #expect(try await client.post("/v2/payments/captures/\(capture)/refund", "").status == 201)
                let other = try await client.create(invoice: "I-1").json["id"].text ?? ""
                _ = try await client.choose("approve", other)
                #expect(try await client.post("/v2/checkout/orders/\(other)/capture").status == 422)
            }
        }
    }

    @Test func `a part is refunded, the rest with an empty body, and nothing after that`() async throws {
        try await with { client in
            let id = try await client.create().json["id"].text ?? ""
            _ = try await client.choose("approve", id)
            let order = try await client.post("/v2/checkout/orders/\(id)/capture").json
            let capture = order["purchase_units"].list.first?["payments"]["captures"].list.first?["id"].text ?? ""
            let part = try await client.post("/v2/payments/captures/\(capture)/refund", #"{"amount": {"currency_code": "EUR", "value": "9.99"}}"#)
            #expect(part.status == 201 && part.json["status"].text == "COMPLETED")
            #expect(try await client.post("/v2/payments/captures/\(capture)/refund", #"{"amount": {"currency_code": "EUR", "value": "10.01"}}"#).status == 422)
            #expect(try await client.post("/v2/payments/captures/\(capture)/refund", #"{"amount": {"currency_code": "USD", "value": "1.00"}}"#).status == 422)
            let rest = try await client.post("/v2/payments/captures/\(capture)/refund", "")
            #expect(rest.json["amount"]["value"].text == "10.00")
            #expect(try await client.get("/v2/payments/captures/\(capture)").json["status"].text == "REFUNDED")
            #expect(try await client.post("/v2/payments/captures/\(capture)/refund", "").status == 422)
        }
    }
}

/// A value that a test changes while others read it.
private final class Mutable: Sendable {
    private let held: Mutex<Date>

    init(_ value: Date) {
        held = Mutex(value)
    }

    var value: Date {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}
