import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import Orders
@testable import ServiceKit

@Suite struct InvoiceTests {
    private func ask(_ order: OrderFixture, token: String? = nil, caller: Caller? = nil) async throws -> Reply {
        var parameters = ["id": order.id.uuidString]
        parameters["token"] = token
        return try await order.harness.ask(try Request("orders.invoices.get", parameters: parameters, caller: caller))
    }

    @Test func `a confirmed order has an invoice in its customer's language, for those who may see the order`() async throws {
        let order = try await OrderFixture(quantity: 3, name: "Ada <script>")
        #expect(try await ask(order, token: order.token).problem?.type.hasSuffix("/no-invoice") == true)
        try await order.confirm()
        let reply = try await ask(order, token: order.token)
        #expect(reply.status == 200 && reply.headers["content-type"] == "text/html; charset=utf-8" && reply.headers["content-language"] == "de")
        #expect(reply.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        let html = String(decoding: reply.body, as: UTF8.self)
        let number = try await order.view.number
        for part in ["<h1>Rechnung</h1>", number, "Ada &lt;script&gt;", "Tea", "1,00 €", "3,00 €", "Gesamtbetrag", "Karte"] { #expect(html.contains(part), "\(part)") }
        #expect(!html.contains("Erstattet"))
        #expect(try await ask(order, caller: OrderFixture.admin).status == 200)
        #expect(try await ask(order).status == 404)
        #expect(try await ask(order, caller: Caller(id: UUID(), role: .customer)).status == 404)
        try await order.advance(.paymentChanged, PaymentReport(state: .partlyRefunded, refunded: 120, revision: 5))
        let later = String(decoding: try await ask(order, token: order.token).body, as: UTF8.self)
        for part in ["Erstattet", "1,20 €", "Verbleibend", "1,80 €"] { #expect(later.contains(part), "\(part)") }
        _ = try await order.cancel()
        #expect(try await ask(order, token: order.token).status == 409)
        await order.harness.database.close()
    }

    @Test(arguments: [nil, "en", "en-GB", "de", "DE-at", "fr", "", "x-de"] as [String?]) func `other languages get English`(locale: String?) {
        let isGerman = locale?.lowercased().hasPrefix("de") == true
        #expect(Language(locale: locale) == (isGerman ? .german : .english))
    }

    @Test(arguments: Language.allCases) func `the page loads nothing and escapes every text of the order`(language: Language) {
        let evil = #"<img src=x onerror="x()">'&"#
        let line = OrderLine(sku: evil, name: evil, quantity: 1, unitPrice: Money(amount: 1, currency: "JPY"))
        let view = OrderView(
            id: UUID(), number: evil, state: "confirmed", reason: nil, email: evil, lines: [line], total: line.lineTotal, refunded: Money(amount: 0, currency: "JPY"),
            shippingAddress: Address(name: evil, company: evil, line1: evil, line2: evil, city: evil, region: evil, postalCode: evil, country: "DE"),
            payment: .init(state: .succeeded, gateway: .stripe, key: nil), placedAt: Date(timeIntervalSince1970: 1_780_000_000), history: [], shipments: [], returns: [])
        let html = Invoice(order: view, language: language, shop: evil).html
        #expect(!html.contains("<img") && !html.contains("http") && !html.contains("url(") && !html.contains("<script") && !html.contains("@import"))
        #expect(html.contains(language == .english ? "2026-05-28" : "28.05.2026") && html.contains("1 JPY") && html.contains("@page"))
    }
}
