import FoundationEssentials
import Messaging
import PostgreSQL
import TestKit
import Testing

@testable import Assembly
@testable import JSON

extension System {
    @Suite struct `Bad input` {
        @Test(arguments: ["0", "1000", "1.5", #""2""#, "null", "true", "[]", "-1", "99999999999999999999", "1e3", "1.99999999999999999999", "1e-400"])
        func `an invalid quantity is rejected, naming the field`(quantity: String) async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart()
            let answer = try await guest.put("/v1/carts/\(cart)/items/ANY", #"{"quantity": \#(quantity)}"#)
            #expect(answer.status == 422)
            #expect(answer.fields == ["quantity"])
            #expect(answer.header("content-type") == "application/problem+json")
            #expect(answer["instance"]?.text == "/v1/carts/\(cart)/items/ANY")
        }

        @Test(arguments: [
            (#"{}"#, ["quantity"]), (#"{"quantity": 1, "colour": "red"}"#, ["colour"]), (#"{"qantity": 1}"#, ["quantity", "qantity"]),
            (#"[1]"#, ["body"]), (#"null"#, ["body"]),
        ])
        func `a missing, unknown or misspelt field is named`(body: String, fields: [String]) async throws {
            let guest = try Visitor.guest()
            let answer = try await guest.put("/v1/carts/\(try await guest.newCart())/items/ANY", body)
            #expect(answer.status == 422)
            #expect(answer.fields == fields)
        }

        @Test(arguments: [
            #"{"quantity": "#, #"{"quantity": 1,}"#, #"{quantity: 1}"#, #"{"quantity": 1} x"#, #"{"quantity": 1, "quantity": 2}"#,
            #"{"quantity": 01}"#, "{\"quantity\": 1}\u{0}", String(repeating: "[", count: 100_000),
        ])
        func `malformed JSON is rejected with the place`(body: String) async throws {
            let guest = try Visitor.guest()
            let answer = try await guest.put("/v1/carts/\(try await guest.newCart())/items/ANY", body)
            #expect(answer.status == 400)
            #expect(answer.problem == "malformed-json")
            #expect(answer["detail"]?.text?.contains("line 1, column") == true)
        }

        @Test func `a body of 2 MiB is rejected, with and without a length`() async throws {
            let guest = try Visitor.guest()
            let body = [UInt8](repeating: 0x20, count: 2 << 20)
            #expect(try await guest.send("POST", "/v1/carts", bytes: body).status == 413)
            #expect(try await guest.send("POST", "/v1/carts", bytes: body, ["transfer-encoding": "chunked"]).status == 413)
        }

        @Test func `a body of another media type is rejected`() async throws {
            let guest = try Visitor.guest()
            for type in ["text/plain", "application/x-www-form-urlencoded"] {
                #expect(try await guest.post("/v1/carts", "{}", ["content-type": type]).status == 415)
            }
            #expect(try await guest.post("/v1/carts", "{}", ["content-type": "application/json; charset=utf-8"]).status == 201)
        }

        @Test func `an unknown product is rejected, naming the field`() async throws {
            let guest = try Visitor.guest()
            let answer = try await guest.put("/v1/carts/\(try await guest.newCart())/items/NO-SUCH-SKU", #"{"quantity": 1}"#)
            #expect(answer.status == 422)
            #expect(answer.fields == ["sku"])
        }

        @Test func `another customer's cart is not found, whatever is requested of it`() async throws {
            let sku = try await Visitor.admin().newProduct()
            let (owner, _) = try await Visitor.customer()
            let cart = try await owner.newCart(sku)
            for other in [try Visitor.guest(), try await Visitor.customer().visitor, try Visitor.admin()] {
                #expect(try await other.get("/v1/carts/\(cart)").status == 404)
                #expect(try await other.put("/v1/carts/\(cart)/items/\(sku)", #"{"quantity": 9}"#).status == 404)
                #expect(try await other.delete("/v1/carts/\(cart)/items/\(sku)").status == 404)
                #expect(try await other.delete("/v1/carts/\(cart)").status == 404)
                let checkout = try await other.checkout(cart)
                #expect(checkout.status == 404)
                #expect(checkout.fields == ["cartId"])
            }
            #expect(try await owner.get("/v1/carts/\(cart)")["items"]?.list.map { $0["quantity"] } == [1])
        }

        @Test func `a checkout names all of its errors at once`() async throws {
            let answer = try await Visitor.guest().checkout(
                "that-is-none", email: "a@b.c\\r\\nBcc: x@example.com", paying: "", more: #", "voucher": "FREE""#)
            #expect(answer.status == 422)
            #expect(Set(answer.fields) == ["cartId", "email", "payment.paymentMethod", "voucher"])
        }

        @Test(arguments: [
            #""name": "a\u0000b""#, #""attributes": {"a": "\u0000"}"#, #""images": ["https://x/\u0000"]"#, #""slug": "-""#,
            #""attributes": {"a": {}}"#, #""price": {"amount": 1.5, "currency": "EUR"}"#, #""price": {"amount": 1, "currency": "euro"}"#,
            #""price": {"amount": 1999.99999999999999, "currency": "EUR"}"#, #""price": {"amount": 1, "currency": "ABC"}"#, #""name": null"#, #""price": null"#,
            #""price": {"amount": 1234, "currency": "KWD"}"#, #""name": "a\u001b[2Jb""#, #""slug": "6f1c1f0e-5d0a-4a44-9f0e-0f5f7a3a2b10""#,
        ])
        func `an impossible product is rejected and changes nothing`(field: String) async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct()
            let product = try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first)
            let path = "/v1/products/\(try #require(product["id"]?.text))"
            let name = try #require(field.split(separator: "\"").first)
            let answer = try await admin.send("PATCH", path, "{\(field)}")
            #expect(answer.status == 422)
            #expect(answer.fields.allSatisfy { $0 == name || $0.hasPrefix("\(name).") })
            #expect(try await admin.get(path).json == product)
        }

        @Test func `text is bounded by its contents, not by its appearance`() async throws {
            let accents = "e" + String(repeating: "\u{301}", count: 1_000)
            let answer = try await Visitor.guest().post(
                "/v1/users", #"{"email": "a@example.com", "password": "correct horse", "name": "\#(accents)"}"#)
            #expect(answer.fields == ["name"])
        }
    }

    @Suite struct `Access` {
        @Test(arguments: ["Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Bearer", "Basic YWRtaW46YWRtaW4=", "Bearer \(String(repeating: "A", count: 600))"])
        func `a forged or malformed token gives access to nothing, not even what is public`(authorization: String) async throws {
            for path in ["/v1/users/me", "/v1/products"] {
                let answer = try await Visitor.guest().get(path, ["authorization": authorization])
                #expect(answer.status == 401)
                #expect(answer.header("www-authenticate")?.hasPrefix("Bearer") == true)
            }
        }

        @Test func `an expired session is rejected`() async throws {
            let (customer, email) = try await Visitor.customer()
            try await SystemDatabase.with("users") { users in
                let ended = try await users.execute(
                    """
                    UPDATE sessions SET expires_at = now() - interval '1 second'
                    FROM accounts WHERE accounts.id = user_id AND email = \(email)
                    """)
                #expect(ended == 1)
            }
            #expect(try await customer.get("/v1/users/me").status == 401)
        }

        @Test func `an ended session is rejected at once`() async throws {
            let (customer, _) = try await Visitor.customer()
            #expect(try await customer.get("/v1/users/me").status == 200)
            #expect(try await customer.delete("/v1/sessions/current").status == 204)
            try await eventually("The end of the session") { try await customer.get("/v1/users/me").status == 401 }
        }

        @Test(arguments: [
            ("POST", "/v1/products"), ("PATCH", "/v1/products/x"), ("DELETE", "/v1/products/x"), ("GET", "/v1/stock/x"), ("PUT", "/v1/stock/x"),
            ("POST", "/v1/stock/x/adjustments"), ("GET", "/v1/notifications"), ("GET", "/v1/dead-letters"), ("GET", "/v1/dead-letters/x"),
            ("DELETE", "/v1/dead-letters/x"), ("POST", "/v1/dead-letters/x/replay"),
        ])
        func `an administrator's operation is open to no other role`(method: String, path: String) async throws {
            #expect(try await Visitor.guest().send(method, path, nil).status == 401)
            let (customer, _) = try await Visitor.customer()
            #expect(try await customer.send(method, path, nil).status == 403)
        }

        @Test func `a client that guesses a password has to wait`() async throws {
            let (customer, email) = try await Visitor.customer()
            var answer = try await customer.signIn(email, password: "wrong password")
            #expect(answer.status == 401)
            for _ in 0..<20 where answer.status == 401 { answer = try await customer.signIn(email, password: "wrong password") }
            #expect(answer.status == 429)
            #expect(answer.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
        }

        @Test(arguments: ["", "t=1,v1=00", "nonsense"])
        func `a webhook that Stripe did not sign is rejected`(signature: String) async throws {
            let headers = signature.isEmpty ? [:] : ["stripe-signature": signature]
            #expect(try await Visitor.guest().post("/v1/webhooks/stripe", "{}", headers).status == 400)
        }
    }

    @Suite struct `HTTP` {
        @Test func `unknown paths are 404, other methods 405 with the allowed ones`() async throws {
            let guest = try Visitor.guest()
            for path in ["/", "/v1/nothing", "/v1/products/", "//v1/products"] { #expect(try await guest.get(path).status == 404) }
            let answer = try await guest.send("PATCH", "/v1/products", "{}")
            #expect(answer.status == 405)
            #expect(answer.header("allow") == "GET, HEAD, OPTIONS, POST")
            #expect(try await guest.send("OPTIONS", "/v1/products", nil).status == 204)
        }

        @Test func `a cursor of another list, or of another order, is rejected and named`() async throws {
            let admin = try Visitor.admin()
            for _ in 0..<2 { _ = try await admin.newProduct() }
            let cursor = try #require(try await admin.get("/v1/products?limit=1&sort=name")["nextCursor"]?.text)
            #expect(try await admin.get("/v1/products?limit=1&sort=name&cursor=\(cursor)").status == 200)
            for path in ["/v1/products?sort=-name", "/v1/products?sort=price", "/v1/orders?limit=1", "/v1/notifications?limit=1", "/v1/dead-letters?limit=1"] {
                let answer = try await admin.get("\(path)&cursor=\(cursor)")
                #expect(answer.status == 422 && answer.fields == ["cursor"], "\(path)")
            }
        }

        @Test(arguments: ["limit=0", "limit=101", "limit=x", "sort=random", "colour=red", "cursor=zzz", "cursor=WyJcdTAwMDAiLCI2RjFDMUYwRS01RDBBLTRBNDQtOUYwRS0wRjVGN0EzQTJCMTAiXQ"])
        func `a wrong parameter is rejected, naming it`(query: String) async throws {
            let answer = try await Visitor.guest().get("/v1/products?\(query)")
            #expect(answer.status == 422)
            let name = try #require(query.split(separator: "=").first)
            #expect(answer.fields.first?.hasSuffix(name) == true)
        }

        @Test func `a list is walked through page by page, each item once, in its order`() async throws {
            let admin = try Visitor.admin()
            let currency = "CHF"
            var skus: Set<String> = []
            for _ in 0..<7 { skus.insert(try await admin.newProduct(currency: currency)) }
            for sort in ["name", "-name", "price", "-price", "newest"] {
                var found: [String] = []
                var cursor = ""
                repeat {
                    let page = try await admin.get("/v1/products?limit=3&sort=\(sort)\(cursor)")
                    #expect(page.status == 200)
                    found += page["items"]?.list.compactMap { $0["sku"]?.text } ?? []
                    cursor = page["nextCursor"]?.text.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(Set(found).count == found.count)
                #expect(skus.isSubset(of: found))
            }
        }

        @Test func `a change is conditional on the version that was read`() async throws {
            let guest = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct()
            let cart = try await guest.newCart()
            let path = "/v1/carts/\(cart)"
            let tag = try #require(try await guest.get(path).header("etag"))
            #expect(try await guest.get(path, ["if-none-match": tag]).status == 304)
            #expect(try await guest.put("\(path)/items/\(sku)", #"{"quantity": 1}"#, ["if-match": #""other", \#(tag)"#]).status == 200)
            #expect(try await guest.put("\(path)/items/\(sku)", #"{"quantity": 2}"#, ["if-match": tag]).status == 412)
            #expect(try await guest.delete("\(path)/items/\(sku)", ["if-match": tag]).status == 412)
            #expect(try await guest.delete(path, ["if-match": tag]).status == 412)
            #expect(try await guest.delete(path, ["if-match": "*"]).status == 204)
            #expect(try await guest.get(path).status == 404)
        }

        @Test func `a trace is continued and a request has an id`() async throws {
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let answer = try await Visitor.guest().get("/v1/products", ["traceparent": "00-\(trace)-b7ad6b7169203331-01", "x-request-id": "mine"])
            #expect(answer.header("traceparent")?.hasPrefix("00-\(trace)-") == true)
            #expect(answer.header("x-request-id") == "mine")
            #expect(try await Visitor.guest().get("/nothing").header("x-request-id") != nil)
        }
    }
}
