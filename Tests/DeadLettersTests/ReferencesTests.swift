import AMQP
import FoundationEssentials
import Secrets
import Testing

@testable import DeadLetters

@Suite struct ReferencesTests {
    private static let first = UUID.v5(namespace: .zero, name: "first")
    private static let second = UUID.v5(namespace: .zero, name: "second")

    private func references(_ operation: String?, _ headers: [String: String] = [:], _ body: String = "{}") -> References {
        References(Original(Properties(type: operation, headers: headers.mapValues { .string($0) })), body: Array(body.utf8))
    }

    @Test func `a message of a service names its order, cart and customer in its body`() {
        let found = references(
            "orders.checkouts.place", [:],
            #"{"orderID": "\#(Self.first)", "cartID": "\#(Self.second)", "customerID": "\#(Self.first)", "orderNumber": "W-000042"}"#)
        #expect(found.order == Self.first && found.cart == Self.second && found.customer == Self.first && found.orderNumber == "W-000042")
        #expect(references("order.confirmed", [:], #"{"orderID": "\#(Self.first)", "number": "W-1"}"#).orderNumber == "W-1")
        #expect(references("catalog.products.create", [:], #"{"number": "W-1"}"#).orderNumber == nil, "a number without an order is something else's")
    }

    @Test func `headers go before the body, and the body before the path`() {
        let headers = ["order": Self.first.uuidString, "order-number": "W-7", "p.id": Self.second.uuidString]
        let found = references("orders.orders.cancel", headers, #"{"orderID": "\#(Self.second)", "orderNumber": "W-8"}"#)
        #expect(found.order == Self.first && found.orderNumber == "W-7")
        #expect(references("orders.orders.cancel", ["p.id": Self.second.uuidString]).order == Self.second)
        #expect(references("payments.refunds.create", ["p.id": Self.second.uuidString]).order == Self.second)
        #expect(references("catalog.products.get", ["p.id": Self.second.uuidString]).order == nil)
        #expect(references("carts.items.put", ["p.id": Self.second.uuidString]).cart == Self.second)
    }

    @Test func `the caller is the customer unless it is an administrator`() {
        let caller = ["caller": Self.first.uuidString]
        #expect(references("carts.items.put", caller.merging(["role": "customer"]) { $1 }).customer == Self.first)
        #expect(references("carts.items.put", caller.merging(["role": "admin"]) { $1 }).customer == nil)
    }

    @Test func `the trace is that of the W3C header`() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736"
        #expect(references(nil, ["traceparent": "00-\(id.uppercased())-00f067aa0ba902b7-01"]).trace == id)
        for other in ["", "00", "00-abc-00f067aa0ba902b7-01", "00-\(id.dropLast())g-00f067aa0ba902b7-01", id] {
            #expect(references(nil, ["traceparent": other]).trace == nil, "\(other)")
        }
    }

    @Test(arguments: ["", "{", "[]", "null", #"{"orderID": 5, "cartID": null, "customerID": {}}"#, #"{"orderID": "no UUID"}"#, "\u{0}"])
    func `a body that names nothing, or cannot be read, names nothing`(body: String) {
        #expect(references("orders.checkouts.place", ["order": "no UUID", "p.id": ""], body) == References())
    }

    @Test func `the words of a letter are those of its body and its headers`() throws {
        let words = try #require(SearchWords.joined(body: Array(#"{"email":"Ada@Example.com","n":5}"#.utf8), headers: ["p.id": "abc"]))
        #expect(Set(words.components(separatedBy: SearchWords.separator)) == ["email", "ada", "example", "com", ":p.id:abc"])
        #expect(SearchWords.query(text: "ada@exam") == "'ada' & 'exam':*")
        #expect(SearchWords.query(text: "ada@") == "'ada'")
        #expect(SearchWords.query(text: "- ;") == nil)
        #expect(SearchWords.query(header: "p.id", #"it's\"#) == #"':p.id:it''s\\'"#)
        #expect(SearchWords.joined(body: [0xFF, 0x00], headers: [:]) == nil)
        let many = (0..<1_000).map { "word\($0)" }.joined(separator: " ")
        #expect(SearchWords.joined(body: Array(many.utf8), headers: [:])?.components(separatedBy: SearchWords.separator).count == SearchWords.maximumWords)
    }
}
