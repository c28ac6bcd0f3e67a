import FoundationEssentials
import Testing

@testable import Sandbox

@Suite("Stripe's API")
struct StripeAPITests {
    @Test("charges a card at once, and shows the payment in Stripe's shape")
    func charge() async throws {
        try await TestSandbox.run { sandbox in
            let reply = try await sandbox.post("/v1/payment_intents", SandboxTests.charge(1_999, more: "&description=Two%20mugs"))
            #expect(reply.status == 200)
            #expect(reply.header("Content-Type") == "application/json")
            #expect(reply.header("Request-Id")?.hasPrefix("req_") == true)
            let payment = reply.json
            #expect(payment["id"].text?.hasPrefix("pi_") == true)
            #expect(payment["object"].text == "payment_intent")
            #expect(payment["status"].text == "succeeded")
            #expect(payment["amount_received"].number == 1_999)
            #expect(payment["latest_charge"].text?.hasPrefix("ch_") == true)
            #expect(payment["client_secret"].text?.hasPrefix("\(payment["id"].text ?? "")_secret_") == true)
            #expect(payment["metadata"] == .object(["order_id": .text("order-1")]))
            #expect(payment["livemode"].flag == false)
            #expect(try await sandbox.get("/v1/payment_intents/\(payment["id"].text ?? "")").json == payment)
        }
    }

    @Test("goes through confirm, capture and refund, and refuses what does not fit the state")
    func lifeCycle() async throws {
        try await TestSandbox.run { sandbox in
            let created = try await sandbox.post("/v1/payment_intents", "amount=1000&currency=eur&capture_method=manual")
            #expect(created.json["status"].text == "requires_payment_method")
            let path = "/v1/payment_intents/\(created.json["id"].text ?? "")"
            #expect(try await sandbox.post("\(path)/confirm").error["code"].text == "payment_intent_unexpected_state")
            let confirmed = try await sandbox.post("\(path)/confirm", "payment_method=pm_card_mastercard")
            #expect(confirmed.json["status"].text == "requires_capture")
            #expect(confirmed.json["amount_capturable"].number == 1_000)
            let tooMuch = try await sandbox.post("\(path)/capture", "amount_to_capture=1001")
            #expect(tooMuch.status == 400)
            #expect(tooMuch.error["code"].text == "amount_too_large")
            #expect(try await sandbox.post("\(path)/capture", "amount_to_capture=900").json["amount_received"].number == 900)
            let cancel = try await sandbox.post("\(path)/cancel")
            #expect(cancel.status == 400)
            #expect(cancel.error["payment_intent"]["status"].text == "succeeded")

            let refund = try await sandbox.post(
                "/v1/refunds", "payment_intent=\(created.json["id"].text ?? "")&amount=400&reason=duplicate")
            #expect(refund.json["object"].text == "refund")
            #expect(refund.json["status"].text == "succeeded")
            #expect(try await sandbox.get("/v1/refunds/\(refund.json["id"].text ?? "")").json == refund.json)
            #expect(
                try await sandbox.post("/v1/refunds", "payment_intent=\(created.json["id"].text ?? "")&amount=501").error["param"].text
                    == "amount")
            #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(created.json["id"].text ?? "")").json["amount"].number == 500)
            let again = try await sandbox.post("/v1/refunds", "payment_intent=\(created.json["id"].text ?? "")")
            #expect(again.error["code"].text == "charge_already_refunded")
            let list = try await sandbox.get("/v1/refunds?payment_intent=\(created.json["id"].text ?? "")&limit=1")
            #expect(list.json["data"].list.count == 1)
            #expect(list.json["has_more"].flag == true)
        }
    }

    @Test("cancels a payment that is not yet charged")
    func cancel() async throws {
        try await TestSandbox.run { sandbox in
            let id = try await sandbox.post("/v1/payment_intents", "amount=500&currency=eur").json["id"].text ?? ""
            let reply = try await sandbox.post("/v1/payment_intents/\(id)/cancel", "cancellation_reason=abandoned")
            #expect(reply.json["status"].text == "canceled")
            #expect(reply.json["cancellation_reason"].text == "abandoned")
        }
    }

    @Test("reports a decline with 402, the decline code, and the payment")
    func decline() async throws {
        try await TestSandbox.run { sandbox in
            let reply = try await sandbox.post("/v1/payment_intents", SandboxTests.charge(card: "pm_card_chargeDeclinedInsufficientFunds"))
            #expect(reply.status == 402)
            #expect(reply.error["type"].text == "card_error")
            #expect(reply.error["code"].text == "card_declined")
            #expect(reply.error["decline_code"].text == "insufficient_funds")
            let payment = reply.error["payment_intent"]
            #expect(payment["status"].text == "requires_payment_method")
            #expect(payment["last_payment_error"]["decline_code"].text == "insufficient_funds")
            let retried = try await sandbox.post("/v1/payment_intents/\(payment["id"].text ?? "")/confirm", "payment_method=pm_card_visa")
            #expect(retried.json["status"].text == "succeeded")
        }
    }

    @Test("asks for 3-D Secure, which the customer passes or fails on the sandbox's page")
    func authentication() async throws {
        try await TestSandbox.run { sandbox in
            func ask() async throws -> JSON {
                try await sandbox.post(
                    "/v1/payment_intents",
                    SandboxTests.charge(card: "pm_card_threeDSecure2Required", more: "&return_url=https%3A%2F%2Fshop.test%2Fback%3Fa%3D1")
                ).json
            }
            let asked = try await ask()
            let id = asked["id"].text ?? ""
            #expect(asked["status"].text == "requires_action")
            let url = asked["next_action"]["redirect_to_url"]["url"].text
            #expect(url == "http://127.0.0.1:\(sandbox.port)/_authenticate/\(id)")
            #expect(try await sandbox.send("GET", "/_authenticate/\(id)").text.contains("value=\"succeed\""))
            let passed = try await sandbox.send(
                "POST", "/_authenticate/\(id)", headers: [("Content-Type", "application/json")], body: #"{"outcome":"succeed"}"#)
            #expect(passed.json["status"].text == "succeeded")
            let twice = try await sandbox.send(
                "POST", "/_authenticate/\(id)", headers: [("Content-Type", "application/json")], body: #"{"outcome":"fail"}"#)
            #expect(twice.status == 400)

            let failing = try await ask()["id"].text ?? ""
            let failed = try await sandbox.send("POST", "/_authenticate/\(failing)", body: "outcome=fail")
            #expect(failed.status == 303)
            #expect(failed.header("Location")?.hasPrefix("https://shop.test/back?a=1&payment_intent=\(failing)&") == true)
            #expect(failed.header("Location")?.hasSuffix("redirect_status=failed") == true)
            let payment = try await sandbox.get("/v1/payment_intents/\(failing)").json
            #expect(payment["last_payment_error"]["code"].text == "payment_intent_authentication_failure")
        }
    }

    @Test("lists and searches payments")
    func lists() async throws {
        try await TestSandbox.run { sandbox in
            var customers: [String] = []
            for number in 1...3 {
                customers.append(try await sandbox.post("/v1/customers", "name=\(number)").json["id"].text ?? "")
                _ = try await sandbox.post(
                    "/v1/payment_intents", SandboxTests.charge(number * 100, order: "o-\(number)", more: "&customer=\(customers[number - 1])"))
            }
            let first = try await sandbox.get("/v1/payment_intents?limit=2").json
            #expect(first["data"].list.map { $0["amount"].number } == [300, 200])
            #expect(first["has_more"].flag == true)
            let rest = try await sandbox.get("/v1/payment_intents?starting_after=\(first["data"].list[1]["id"].text ?? "")&created[gte]=1")
                .json
            #expect(rest["data"].list.map { $0["amount"].number } == [100])
            #expect(try await sandbox.get("/v1/payment_intents?customer=\(customers[1])").json["data"].list.count == 1)
            let found = try await sandbox.get("/v1/payment_intents/search?query=metadata%5B'order_id'%5D%3A'o-3'").json
            #expect(found["object"].text == "search_result")
            #expect(found["data"].list.map { $0["amount"].number } == [300])
        }
    }

    @Test("rejects requests without the key, by Bearer or Basic")
    func authorization() async throws {
        try await TestSandbox.run { sandbox in
            for header in [nil, "Bearer wrong", "Basic !", "Digest x", "Bearer"] {
                let reply = try await sandbox.send("GET", "/v1/payment_intents", headers: header.map { [("Authorization", $0)] } ?? [])
                #expect(reply.status == 401)
                #expect(reply.error["type"].text == "invalid_request_error")
            }
            let basic = Data("\(TestSandbox.apiKey):".utf8).base64EncodedString()
            #expect(try await sandbox.send("GET", "/v1/payment_intents", headers: [("Authorization", "Basic \(basic)")]).status == 200)
        }
    }

    @Test("answers every malformed request in Stripe's shape")
    func malformed() async throws {
        try await TestSandbox.run { sandbox in
            let auth = ("Authorization", "Bearer \(TestSandbox.apiKey)")
            let replies = [
                (try await sandbox.get("/v1/nothing"), 404), (try await sandbox.send("DELETE", "/v1/refunds", headers: [auth]), 404),
                (try await sandbox.get("/v1/payment_intents/pi_x"), 404), (try await sandbox.get("/v1/refunds/re_x"), 404),
                (try await sandbox.get("/v1/payment_intents?limit=0"), 400), (try await sandbox.get("/v1/payment_intents?limit=101"), 400),
                (try await sandbox.get("/v1/payment_intents?page=2"), 400), (try await sandbox.get("/v1/payment_intents/search"), 400),
                (try await sandbox.post("/v1/payment_intents", "amount=1&currency=eur&colour=red"), 400),
                (try await sandbox.post("/v1/payment_intents", "amount=%"), 400),
                (try await sandbox.send("POST", "/v1/refunds", headers: [auth, ("Content-Type", "application/json")], body: "{}"), 400),
                (try await sandbox.post("/v1/payment_intents", "description=" + String(repeating: "x", count: 65_536)), 413),
                (try await sandbox.send("POST", "/_authenticate/pi_x", body: "outcome=maybe"), 400),
                (try await sandbox.operate("PUT", "/_faults", body: #"{"error500Rate": 2}"#), 400),
                (try await sandbox.operate("GET", "/_ledger?limit=10001"), 400), (try await sandbox.operate("GET", "/_ledger?after=pi_x"), 400),
            ]
            for (reply, status) in replies {
                #expect(reply.status == status)
                #expect(reply.error["message"].text?.isEmpty == false)
                #expect(reply.error["type"].text == "invalid_request_error")
            }
        }
    }

    @Test("protects the ledger and the faults with the key", arguments: [nil, "sk_test_other"])
    func operatorKey(_ key: String?) async throws {
        try await TestSandbox.run { sandbox in
            let headers = key.map { [("Authorization", "Bearer \($0)")] } ?? []
            for (method, path) in [("GET", "/_ledger"), ("GET", "/_ledger/totals"), ("GET", "/_faults"), ("PUT", "/_faults"), ("DELETE", "/_faults")] {
                let reply = try await sandbox.send(method, path, headers: headers, body: method == "PUT" ? #"{"error500Rate": 1}"# : "")
                #expect(reply.status == 401)
            }
            let charged = try await sandbox.post("/v1/payment_intents", SandboxTests.charge())
            #expect(charged.status == 200)
        }
    }

    @Test("shows the whole ledger page by page, and its totals")
    func ledger() async throws {
        try await TestSandbox.run { sandbox in
            for number in 1...3 {
                _ = try await sandbox.post(
                    "/v1/payment_intents", SandboxTests.charge(100, order: "o-\(number % 2)"), idempotencyKey: "key-\(number)")
            }
            let first = try await sandbox.get("/_ledger?limit=2").json
            #expect(first["payments"].list.map { $0["idempotencyKey"].text } == ["key-1", "key-2"])
            #expect(first["payments"].list.map { $0["captured"].number } == [100, 100])
            #expect(first["hasMore"].flag == true)
            let rest = try await sandbox.get("/_ledger?after=\(first["payments"].list[1]["id"].text ?? "")").json
            #expect(rest["payments"].list.map { $0["orderId"].text } == ["o-1"])
            let totals = try await sandbox.get("/_ledger/totals").json
            #expect(totals["intents"].number == 3)
            #expect(totals["capturedAmount"].number == 300)
            #expect(totals["ordersCapturedMoreThanOnce"] == .list([.text("o-1")]))
            #expect(try await sandbox.get("/livez", key: nil).status == 200)
        }
    }
}
