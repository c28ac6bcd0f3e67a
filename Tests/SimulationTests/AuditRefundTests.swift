import FoundationEssentials
import Testing

@testable import Simulation

/// Each violation of the rules about refunds, planted in books that are otherwise consistent.
@Suite struct AuditRefundTests {
    private static let order = UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))

    private static func row(_ amount: Int, _ state: String = "succeeded", id: String? = "re_1") -> Books.Refund {
        Books.Refund(order: order, intent: "pi_1", amount: amount, state: state, gatewayID: id, captured: 500)
    }

    private static func refund(_ amount: Int, _ status: String = "succeeded", id: String = "re_1") -> GatewayBook.Refund {
        GatewayBook.Refund(id: id, amount: amount, metadata: [:], status: status)
    }

    private func findings(_ rows: [Books.Refund], _ refunds: [GatewayBook.Refund], deadLetters: [Audit.DeadLetter] = []) -> [String] {
        var books = Books()
        books.refunds = rows
        var intent = GatewayBook.Intent(id: "pi_1", order: Self.order, amount: 500, status: .succeeded)
        intent.captures = 1
        intent.refunds = refunds
        return Audit(
            books: books, intents: [intent], customers: .init(), mails: [:], deadLetters: deadLetters, backlog: [:], origins: Origins(), route: { _, _ in [] }
        ).refunds
    }

    @Test func `a ledger that agrees with the gateway has no findings`() {
        #expect(findings([Self.row(200), Self.row(100, "needsOperator", id: "re_2")], [Self.refund(200), Self.refund(100, "failed", id: "re_2")]) == [])
    }

    @Test func `a difference that is explained by an event among the dead letters is not reported`() {
        let letter = Audit.DeadLetter(id: nil, cause: "gateway-unreachable", origin: "payments.commands", order: nil, intent: "pi_1")
        #expect(findings([Self.row(200)], [Self.refund(200), Self.refund(100, id: "re_2")], deadLetters: [letter]) == [])
    }

    @Test func `more than was paid is reported`() {
        #expect(findings([Self.row(501)], [Self.refund(501)]).count == 1)
    }

    @Test func `a refund that is missing from the ledger or at the gateway is reported`() {
        #expect(findings([Self.row(200)], []).count == 1)
        #expect(findings([], [Self.refund(200)]).isEmpty, "no row, no order to look at: the money itself is compared elsewhere")
        #expect(findings([Self.row(200)], [Self.refund(200), Self.refund(100, id: "re_2")]).count == 1)
        #expect(findings([Self.row(200)], [Self.refund(200, "failed")]).count == 1)
    }

    @Test func `a refund that never ends is reported`() {
        #expect(findings([Self.row(200, "pending", id: nil)], []).count == 1)
    }
}
