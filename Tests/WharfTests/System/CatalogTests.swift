import FoundationEssentials
import Messaging
import TestKit
import Testing
import WebClient

@testable import LocalState

extension System {
    /// The catalog, over HTTP.
    @Suite struct `The catalog` {
        /// A word that no other test's products have.
        private func word() -> String {
            String(UUID().uuidString.lowercased().unicodeScalars.filter { $0 != "-" }.map { Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8($0.value % 26))) })
        }

        private func product(_ admin: Visitor, _ name: String, _ more: String = "", price: Int = 100) async throws -> Answer {
            let body = #"{"sku": "S-\#(UUID().uuidString)", "name": "\#(name)", "price": {"amount": \#(price), "currency": "EUR"}\#(more)}"#
            let answer = try await admin.post("/v1/products", body)
            #expect(answer.status == 201)
            return answer
        }

        private func names(_ answer: Answer) -> [String] { answer["items"]?.list.compactMap { $0["name"]?.text } ?? [] }

        @Test func `a storefront searches, filters, counts and suggests`() async throws {
            let (admin, guest) = (try Visitor.admin(), try Visitor.guest())
            let word = word()
            _ = try await product(admin, "\(word) cup", #", "brand": "B-\#(word)", "attributes": {"deep blue": "ja & nein"}"#, price: 300)
            _ = try await product(admin, "\(word) pot", #", "description": "Not a cup.", "category": "\#(word)""#, price: 100)
            let found = try await guest.get("/v1/products?search=cup+\(word)&facets=brand,category,attribute.deep%20blue")
            #expect(names(found) == ["\(word) cup", "\(word) pot"])
            #expect(found["items"]?.list.first?["highlight"]?["name"]?.text == "<em>\(word)</em> <em>cup</em>")
            #expect(found["facets", "category"]?.list.map { $0["value"]?.text } == [word])
            #expect(found["facets", "attribute.deep blue"]?.list.map { $0["count"]?.number } == [1])
            #expect(names(try await guest.get("/v1/products?search=\(word)&sort=price")) == ["\(word) pot", "\(word) cup"])
            #expect(names(try await guest.get("/v1/products?search=\(word)&attribute.deep+blue=ja+%26+nein&maxPrice=300")) == ["\(word) cup"])
            #expect(names(try await guest.get("/v1/products?search=\(word)&inStock=true")) == [])
            #expect(names(try await guest.get("/v1/products?brand=b-\(word)")) == ["\(word) cup"])
            #expect(try await guest.get("/v1/products?attribute.=x").status == 422)
            #expect(try await guest.get("/v1/products?attribute.\(String(repeating: "a", count: 200))=x").status == 422)
            #expect(try await guest.get("/v1/products?colour=red").status == 422)
            let suggested = try await guest.get("/v1/products/suggestions?q=\(word.prefix(12))")
            #expect(suggested["items"]?.list.map { $0["kind"]?.text } == ["category", "brand", "product", "product"])
            var misspelt = Array(word)
            misspelt[3] = "q"
            #expect(names(try await guest.get("/v1/products?search=\(String(misspelt))")).count == 2)
        }

        @Test func `synonyms are for administrators, and change from the version that was read`() async throws {
            let admin = try Visitor.admin()
            let (first, second) = (word(), word())
            _ = try await product(admin, first)
            #expect(try await admin.put("/v1/synonyms", #"{"groups": [["\#(first)", "\#(second)"]]}"#).status == 200)
            let shown = try await admin.get("/v1/synonyms")
            #expect(shown["groups"]?.list.count == 1)
            #expect(names(try await Visitor.guest().get("/v1/products?search=\(second)")) == [first])
            #expect(try await admin.put("/v1/synonyms", #"{"groups": []}"#, ["if-match": "\"other\""]).status == 412)
            #expect(try await admin.put("/v1/synonyms", #"{"groups": []}"#, ["if-match": try #require(shown.header("etag"))]).status == 200)
            #expect(try await Visitor.guest().get("/v1/synonyms").status == 401)
        }

        @Test func `a cart shows what has changed since, and an order keeps its prices`() async throws {
            let (admin, guest) = (try Visitor.admin(), try Visitor.guest())
            let sku = "S-\(UUID().uuidString)"
            let made = try await admin.post(
                "/v1/products", #"{"sku": "\#(sku)", "name": "Cup", "price": {"amount": 500, "currency": "EUR"}, "images": [{"url": "/cup.jpg", "alt": "A cup"}]}"#)
            let id = try #require(made["id"]?.text)
            #expect(try await admin.put("/v1/stock/\(sku)", #"{"onHand": 7}"#).status == 200)
            let cart = try await guest.newCart(sku)
            #expect(try await admin.send("PATCH", "/v1/products/\(id)", #"{"price": {"amount": 600}}"#).status == 200)
            let shown = try await guest.get("/v1/carts/\(cart)")
            let line = try #require(shown["items"]?.list.first)
            #expect(line["unitPrice"]?["amount"]?.number == 600)
            #expect(line["was"]?["unitPrice"]?["amount"]?.number == 500)
            #expect(line["available"]?.number == 7)
            #expect(line["image"]?["alt"]?.text == "A cup")
            #expect(try await guest.get("/v1/carts/\(cart)", ["if-none-match": try #require(shown.header("etag"))]).status == 304)
            let order = try await guest.checkout(cart, more: #", "expectedTotal": {"amount": 600, "currency": "EUR"}"#)
            #expect(order["order", "state"]?.text == "confirmed")
            #expect(order["order", "lines"]?.list.first?["slug"]?.text == made["slug"]?.text)
            #expect(order["order", "lines"]?.list.first?["image"]?["url"]?.text == "/cup.jpg")
            // An order is confirmed once it is paid for; its sale is booked at the same time.
            try await eventually("The sale in the ledger") {
                try await admin.get("/v1/stock/\(sku)/movements")["items"]?.list.map { $0["kind"]?.text } == ["sold", "set"]
            }
        }

        @Test func `a variant is ordered at its price and from its stock`() async throws {
            let (admin, guest) = (try Visitor.admin(), try Visitor.guest())
            let sku = "S-\(UUID().uuidString)"
            let variants = #"[{"sku": "\#(sku)-L", "options": {"size": "large"}, "price": {"amount": 700, "currency": "EUR"}}]"#
            let made = try await admin.post(
                "/v1/products", #"{"sku": "\#(sku)", "name": "Cup", "price": {"amount": 500, "currency": "EUR"}, "variants": \#(variants)}"#)
            #expect(made["variants"]?.list.first?["price"]?["amount"]?.number == 700)
            #expect(try await admin.put("/v1/stock/\(sku)-L", #"{"onHand": 3}"#).status == 200)
            let cart = try await guest.newCart()
            #expect(try await guest.put("/v1/carts/\(cart)/items/\(sku)", #"{"quantity": 1}"#).fields == ["sku"])
            #expect(try await guest.put("/v1/carts/\(cart)/items/\(sku)-L", #"{"quantity": 2}"#)["items"]?.list.first?["name"]?.text == "Cup (large)")
            #expect(try await guest.checkout(cart)["order", "total"]?["amount"]?.number == 1_400)
            #expect(try await guest.get("/v1/products/\(made["slug"]?.text ?? "")")["available"]?.number == 1)
        }
    }
}
