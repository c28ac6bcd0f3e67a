import FoundationEssentials
import Messaging
import TestKit
import Testing
import WebClient

@testable import Assembly
@testable import JSON

extension System {
    /// Cases that shops have met, over HTTP.
    @Suite struct `Shops` {
        @Test func `a product is returned as it was created, and null clears its optional fields`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct()
            let id = try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first?["id"]?.text)
            let change = try await admin.send("PATCH", "/v1/products/\(id)", #"{"category": "c", "attributes": {"ean": 1546130668394913822}}"#)
            #expect(change.status == 200)
            let shown = try await admin.get("/v1/products/\(id)")
            #expect(String(decoding: shown.response.body, as: UTF8.self).contains(#""ean":1546130668394913822"#))
            #expect(try await admin.send("PATCH", "/v1/products/\(id)", #"{"category": null}"#)["category"] == nil)
            #expect(try await admin.get("/v1/products/\(id)")["category"] == nil)
        }

        @Test func `an archived product is restored, or makes room for another of its SKU`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct()
            let id = try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first?["id"]?.text)
            #expect(try await admin.delete("/v1/products/\(id)").status == 204)
            #expect(try await admin.get("/v1/products/\(id)").status == 404)
            let archived = try await admin.get("/v1/products?archived=true&search=\(sku)")
            #expect(archived["items"]?.list.map { $0["id"]?.text } == [id])
            #expect(try await Visitor.guest().get("/v1/products?archived=true").status == 403)
            #expect(try await admin.send("PATCH", "/v1/products/\(id)", #"{"archived": false}"#).status == 200)
            #expect(try await admin.get("/v1/products/\(id)").status == 200)
            #expect(try await admin.delete("/v1/products/\(id)").status == 204)
            let again = #"{"sku": "\#(sku)", "name": "Thing", "price": {"amount": 100, "currency": "EUR"}}"#
            #expect(try await admin.post("/v1/products", again).status == 201)
            #expect(try await admin.send("PATCH", "/v1/products/\(id)", #"{"archived": false}"#).status == 409)
        }

        @Test func `a category shows the products inside it, and can be deleted when it is empty`() async throws {
            let admin = try Visitor.admin()
            let name = "c" + UUID().uuidString.lowercased().prefix(8)
            #expect(try await admin.post("/v1/categories", #"{"name": "\#(name)"}"#).status == 201)
            let inner = try await admin.post("/v1/categories", #"{"name": "\#(name) inside", "parent": "\#(name)"}"#)
            let slug = try #require(inner["slug"]?.text)
            #expect(inner.header("location") == "/v1/categories/\(slug)")
            #expect(try await admin.send("PATCH", "/v1/categories/\(name)", #"{"parent": "\#(slug)"}"#).problem == "category-circle")
            let sku = "T-\(name)"
            let product = try await admin.post(
                "/v1/products", #"{"sku": "\#(sku)", "name": "Thing", "price": {"amount": 1, "currency": "EUR"}, "category": "\#(slug)", "brand": "B"}"#)
            let id = try #require(product["id"]?.text)
            let guest = try Visitor.guest()
            #expect(try await guest.get("/v1/products?category=\(name)")["items"]?.list.map { $0["sku"]?.text } == [sku])
            #expect(try await guest.get("/v1/categories")["items"]?.list.contains { $0["slug"]?.text == name } == true)
            #expect(try await guest.get("/v1/categories/\(name)")["children"]?.list.map { $0["slug"]?.text } == [slug])
            #expect(try await admin.delete("/v1/categories/\(slug)").problem == "category-in-use")
            #expect(try await admin.put("/v1/stock/\(sku)", #"{"onHand": 4}"#).status == 200)
            #expect(try await admin.get("/v1/stock/\(sku)/movements")["items"]?.list.map { $0["onHand"]?.number } == [4])
            #expect(try await admin.delete("/v1/products/\(id)").status == 204)
            #expect(try await admin.delete("/v1/categories/\(slug)").status == 204)
            #expect(try await guest.post("/v1/categories", #"{"name": "x"}"#).status == 401)
        }

        @Test(arguments: [".", ".."])
        func `a SKU that cannot be part of a path is rejected`(sku: String) async throws {
            let answer = try await Visitor.admin().post("/v1/products", #"{"sku": "\#(sku)", "name": "T", "price": {"amount": 1, "currency": "EUR"}}"#)
            #expect(answer.fields == ["sku"])
        }

        @Test(arguments: [
            (#""city": "Hong Kong", "country": "HK""#, []), (#""city": "New York", "region": "NY", "postalCode": "10118", "country": "US", "company": "H", "phone": "+1 2""#, []),
            (#""city": "Berlin", "country": "DE""#, ["shippingAddress.postalCode"]), (#""city": "London", "postalCode": "1", "country": "UK""#, ["shippingAddress.country"]),
            (#""city": "A\nB", "country": "HK""#, ["shippingAddress.city"]),
        ])
        func `an order goes to any valid address of the world`(place: String, fields: [String]) async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let body = """
                {"cartId": "\(cart)", "email": "a@example.com", "payment": {"gateway": "stripe", "paymentMethod": "pm_card_visa"},
                 "shippingAddress": {"name": "Ada", "line1": "1", \(place)}}
                """
            let answer = try await guest.post("/v1/checkouts", body, ["idempotency-key": UUID().uuidString])
            #expect(answer.status == (fields.isEmpty ? 202 : 422))
            #expect(answer.fields == fields)
            if fields.isEmpty, place.contains("US") {
                let address = answer["order", "shippingAddress"]
                #expect([address?["region"], address?["company"], address?["phone"]] == ["NY", "H", "+1 2"])
            }
        }

        @Test func `carts claimed at once by a customer without one become one`() async throws {
            let sku = try await Visitor.admin().newProduct()
            let (customer, _) = try await Visitor.customer()
            let guest = try Visitor.guest()
            var carts: [String] = []
            for _ in 0..<6 { carts.append(try await guest.newCart(sku)) }
            let answers = try await together(carts) { try await customer.post("/v1/carts/\($0)/claim") }
            #expect(answers.map(\.status) == [200, 200, 200, 200, 200, 200])
            #expect(try await customer.get("/v1/carts/current")["items"]?.list.map { $0["quantity"] } == [6])
        }

        @Test func `a sale does not invalidate an administrator's change`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 9)
            let id = try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first?["id"]?.text)
            let product = try #require(try await admin.get("/v1/products/\(id)").header("etag"))
            let stock = try #require(try await admin.get("/v1/stock/\(sku)").header("etag"))
            #expect(try await admin.get("/v1/stock/\(sku)", ["if-none-match": stock]).status == 304)
            let guest = try Visitor.guest()
            #expect(try await guest.checkout(try await guest.newCart(sku))["order", "state"] == "confirmed")
            #expect(try await admin.get("/v1/stock/\(sku)", ["if-none-match": stock]).status == 200)
            #expect(try await admin.send("PATCH", "/v1/products/\(id)", #"{"name": "New"}"#, ["if-match": product]).status == 200)
            #expect(try await admin.put("/v1/stock/\(sku)", #"{"onHand": 20}"#, ["if-match": stock]).status == 200)
            #expect(try await admin.put("/v1/stock/\(sku)", #"{"onHand": 21}"#, ["if-match": stock]).status == 412)
        }
    }
}
