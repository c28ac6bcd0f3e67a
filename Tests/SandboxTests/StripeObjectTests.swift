import FoundationEssentials
import Synchronization
import TestKit
import Testing

@testable import Sandbox

/// The objects related to payments at Stripe: charges, balance transactions, customers, their payment methods, and the references that a request may expand.
@Suite(.timeLimit(.minutes(1))) struct StripeObjectTests {
    private func id(_ reply: Reply) -> String { reply.json["id"].text ?? "" }

    @Test func `each attempt is a charge of its own, and the money moves once`() async throws {
        try await TestSandbox.run { sandbox in
            let failed = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_visa_chargeDeclinedLostCard"))
            let payment = failed.error["payment_intent"]["id"].text ?? ""
            _ = try await sandbox.post("/v1/payment_intents/\(payment)/confirm", "payment_method=pm_card_amex")
            let charges = try await sandbox.get("/v1/charges?payment_intent=\(payment)&expand[]=data.balance_transaction").json["data"].list
            #expect(charges.map { $0["status"].text } == ["succeeded", "failed"])
            #expect(charges[0]["payment_method_details"]["card"]["brand"].text == "amex")
            #expect(charges[1]["failure_code"].text == "lost_card" && charges[1]["balance_transaction"] == .null)
            #expect(charges[0]["balance_transaction"]["amount"].number == 1_000 && charges[0]["balance_transaction"]["net"].number == 1_000 - 15 - 25)
            let older = try await sandbox.get("/v1/charges?starting_after=\(charges[0]["id"].text ?? "")&limit=1").json["data"].list
            #expect(older.map { $0["id"] } == [charges[1]["id"]])
            let newer = try await sandbox.get("/v1/charges?ending_before=\(charges[1]["id"].text ?? "")").json["data"].list
            #expect(newer.map { $0["id"] } == [charges[0]["id"]])
            let refund = try await sandbox.post("/v1/refunds", "charge=\(charges[0]["id"].text ?? "")&amount=300&expand[]=charge&expand[]=balance_transaction")
            #expect(refund.json["charge"]["amount_refunded"].number == 300 && refund.json["balance_transaction"]["amount"].number == -300)
            let sum = try await sandbox.get("/v1/balance_transactions").json["data"].list.reduce(0) { $0 + ($1["amount"].number ?? 0) }
            #expect(sum == 700)
        }
    }

    @Test func `only references can be expanded, and only to a limited depth`() async throws {
        try await TestSandbox.run { sandbox in
            let payment = id(try await sandbox.post("/v1/payment_intents", charge()))
            let deep = try await sandbox.get("/v1/payment_intents/\(payment)?expand[]=latest_charge.payment_intent.latest_charge.balance_transaction")
            #expect(deep.json["latest_charge"]["payment_intent"]["latest_charge"]["balance_transaction"]["type"].text == "charge")
            for wrong in ["amount", "latest_charge.amount", "latest_charge.payment_intent.latest_charge.payment_intent.customer", "data.latest_charge", ""] {
                let reply = try await sandbox.get("/v1/payment_intents/\(payment)?expand[]=\(wrong)")
                #expect(reply.status == 400 && reply.error["param"].text == "expand", "\(wrong)")
            }
            #expect(try await sandbox.get("/v1/payment_intents?expand[]=latest_charge").status == 400)
            #expect(try await sandbox.get("/v1/payment_intents?expand[]=data.latest_charge").json["data"].list[0]["latest_charge"]["paid"].flag == true)
        }
    }

    @Test func `a reply with expanded objects is the same when its key is repeated, even after a restart`() async throws {
        let path = JournalTests.temporaryPath()
        let first = Mutex(JSON.null)
        for isSecond in [false, true] {
            try await TestSandbox.run(configure: {
                $0.ledgerFile = path; $0.publicURL = "http://sandbox.test"
            }) { sandbox in
                let reply = try await sandbox.post("/v1/payment_intents", charge(more: "&expand[]=latest_charge"), idempotencyKey: "k")
                #expect(reply.json["latest_charge"]["captured"].flag == true)
                if isSecond { #expect(reply.json == first.withLock { $0 }) } else { first.withLock { $0 = reply.json } }
            }
        }
    }

    @Test func `a customer's payment method belongs to them alone, and cannot be used once it is detached`() async throws {
        try await TestSandbox.run { sandbox in
            let customer = id(try await sandbox.post("/v1/customers", "email=ada%40wharf.example&metadata[tier]=gold"))
            let stranger = id(try await sandbox.post("/v1/customers"))
            let method = id(try await sandbox.post("/v1/payment_methods/pm_card_mastercard/attach", "customer=\(customer)"))
            #expect(method.hasPrefix("pm_") && method != "pm_card_mastercard")
            #expect(try await sandbox.get("/v1/customers/\(customer)/payment_methods?type=card").json["data"].list.map { $0["id"].text } == [method])
            #expect(try await sandbox.get("/v1/payment_methods?customer=\(stranger)").json["data"].list.isEmpty)
            func pay(_ customer: String) async throws -> Reply { try await sandbox.post("/v1/payment_intents", charge(card: method, more: "&customer=\(customer)&off_session=true")) }
            let paid = try await pay(customer)
            #expect(paid.json["status"].text == "succeeded" && paid.json["payment_method"].text == method && paid.json["customer"].text == customer)
            #expect(try await pay(stranger).status == 400)
            #expect(try await sandbox.post("/v1/payment_methods/\(method)/detach").json["customer"] == .null)
            #expect(try await pay(customer).error["param"].text == "payment_method")
            let changed = try await sandbox.post("/v1/customers/\(customer)", "name=Ada&metadata[tier]=").json
            #expect(changed["name"].text == "Ada" && changed["metadata"] == .object([:]) && changed["email"].text == "ada@wharf.example")
            let deleted = try await sandbox.send("DELETE", "/v1/customers/\(customer)", headers: [("Authorization", "Bearer \(TestSandbox.apiKey)")])
            #expect(deleted.json["deleted"].flag == true)
            #expect(try await sandbox.post("/v1/customers/\(customer)", "name=B").status == 404)
            #expect(try await sandbox.get("/v1/customers").json["data"].list.map { $0["id"].text } == [stranger])
        }
    }

    @Test func `a card that needs authentication is kept by the first payment, and pays without its owner afterwards`() async throws {
        try await TestSandbox.run { sandbox in
            let customer = id(try await sandbox.post("/v1/customers"))
            let more = "&customer=\(customer)&setup_future_usage=off_session"
            let asked = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_authenticationRequiredOnSetup", more: more)).json
            #expect(asked["status"].text == "requires_action")
            let method = asked["payment_method"].text ?? ""
            let later = try await sandbox.post("/v1/payment_intents", charge(card: method, more: "&customer=\(customer)&off_session=true")).json
            #expect(later["status"].text == "succeeded")
        }
    }

    @Test func `a direct debit is processed before it is decided, and only where it is allowed`() async throws {
        let ahead = Mutex(0.0)
        try await TestSandbox.run(now: { Date() + ahead.withLock { $0 } }) { sandbox in
            #expect(try await sandbox.post("/v1/payment_intents", charge(card: "pm_success_de")).error["param"].text == "payment_method")
            let debit = "&payment_method_types[]=sepa_debit"
            let good = try await sandbox.post("/v1/payment_intents", charge(card: "pm_success_de", more: debit)).json
            let bad = try await sandbox.post("/v1/payment_intents", charge(card: "pm_failed_de", more: debit)).json
            #expect(good["status"].text == "processing" && bad["status"].text == "processing")
            #expect(try await sandbox.post("/v1/payment_intents/\(good["id"].text ?? "")/cancel").status == 400)
            ahead.withLock { $0 = 10 }
            try await eventually("the ends of both") {
                let ends = try await sandbox.get("/v1/payment_intents").json["data"].list.map { $0["status"].text }
                return ends == ["requires_payment_method", "succeeded"]
            }
            let kinds = try await sandbox.get("/v1/events?limit=100").json["data"].list.map { $0["type"].text ?? "" }
            #expect(
                Set(kinds) == [
                    "payment_intent.created", "payment_intent.processing", "charge.pending", "charge.succeeded", "payment_intent.succeeded", "charge.updated", "charge.failed",
                    "payment_intent.payment_failed",
                ])
        }
    }

    @Test func `authorised money is captured in part, released by a cancellation, and lost after a week`() async throws {
        let ahead = Mutex(0.0)
        try await TestSandbox.run(now: { Date() + ahead.withLock { $0 } }) { sandbox in
            func authorise() async throws -> String {
                let reply = try await sandbox.post("/v1/payment_intents", charge(more: "&capture_method=manual"))
                #expect(reply.json["status"].text == "requires_capture" && reply.json["amount_capturable"].number == 1_000)
                return id(reply)
            }
            func shown(_ id: String) async throws -> JSON { try await sandbox.get("/v1/payment_intents/\(id)?expand[]=latest_charge").json["latest_charge"] }
            let (captured, cancelled, lost) = (try await authorise(), try await authorise(), try await authorise())
            #expect(try await sandbox.post("/v1/payment_intents/\(captured)/capture", "amount_to_capture=600").json["amount_received"].number == 600)
            let part = try await shown(captured)
            #expect(part["amount_captured"].number == 600 && part["amount_refunded"].number == 400)
            _ = try await sandbox.post("/v1/payment_intents/\(cancelled)/cancel")
            let released = try await shown(cancelled)
            #expect(released["refunded"].flag == true && released["captured"].flag == false)
            ahead.withLock { $0 = Double(PaymentIntent.authorizationLifetime + 10) }
            try await eventually("the loss") { try await sandbox.get("/v1/payment_intents/\(lost)").json["status"].text == "canceled" }
            #expect(try await sandbox.get("/v1/payment_intents/\(lost)").json["cancellation_reason"].text == "automatic")
            #expect(try await sandbox.get("/v1/events?type=charge.expired").json["data"].list.count == 1)
            let totals = try await sandbox.get("/_ledger/totals").json
            #expect(totals["capturedAmount"].number == 600 && totals["refundedAmount"].number == 0)
        }
    }

    @Test(arguments: [
        ("amount=49&currency=eur", "amount_too_small", "amount"), ("amount=30&currency=gbp", nil, nil), ("amount=50&currency=jpy", nil, nil), ("amount=100&currency=xyz", nil, "currency"),
    ])
    func `amounts that are too small for their currency, and unknown currencies, are refused`(form: String, code: String?, parameter: String?) async throws {
        try await TestSandbox.run { sandbox in
            let reply = try await sandbox.post("/v1/payment_intents", form)
            #expect(reply.status == (parameter == nil ? 200 : 400))
            #expect(reply.error["code"].text == code && reply.error["param"].text == parameter)
        }
    }

    @Test func `every response names its version, and a header that is not a version is refused`() async throws {
        try await TestSandbox.run { sandbox in
            func version(_ asked: String?, _ path: String = "/v1/payment_intents") async throws -> (Int, String?) {
                let headers = [("Authorization", "Bearer \(TestSandbox.apiKey)")] + (asked.map { [("Stripe-Version", $0)] } ?? [])
                let reply = try await sandbox.send("GET", path, headers: headers)
                return (reply.status, reply.header("Stripe-Version"))
            }
            #expect(try await version(nil) == (200, "2025-03-31.basil"))
            #expect(try await version("2024-06-20") == (200, "2024-06-20"))
            #expect(try await version("2024-06-20", "/v1/payment_intents/pi_x") == (404, "2024-06-20"))
            #expect(try await version("yesterday") == (400, "2025-03-31.basil"))
            _ = try await sandbox.post("/v1/payment_intents", charge())
            #expect(try await sandbox.get("/v1/events").json["data"].list[0]["api_version"].text == "2025-03-31.basil")
        }
    }

    @Test func `a payment can be changed until it is charged`() async throws {
        try await TestSandbox.run { sandbox in
            let payment = id(try await sandbox.post("/v1/payment_intents", "amount=500&currency=eur&metadata[a]=1"))
            let path = "/v1/payment_intents/\(payment)"
            let changed = try await sandbox.post(path, "amount=700&payment_method=pm_card_visa&metadata[b]=2&shipping[name]=Ada&shipping[address][city]=London").json
            #expect(changed["amount"].number == 700 && changed["status"].text == "requires_confirmation")
            #expect(changed["metadata"] == .object(["a": .text("1"), "b": .text("2")]) && changed["shipping"]["address"]["city"].text == "London")
            #expect(try await sandbox.post(path, "amount=10").error["code"].text == "amount_too_small")
            #expect(try await sandbox.post("\(path)/confirm").json["amount_received"].number == 700)
            #expect(try await sandbox.post(path, "amount=800").error["code"].text == "payment_intent_unexpected_state")
            #expect(try await sandbox.post(path, "description=later").json["description"].text == "later")
        }
    }

    @Test func `an inquiry takes no money and allows refunds`() async throws {
        try await TestSandbox.run { sandbox in
            let payment = id(try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_createDisputeInquiry")))
            #expect(try await sandbox.get("/v1/disputes").json["data"].list.map { $0["status"].text } == ["warning_needs_response"])
            #expect(try await sandbox.get("/v1/events?type=charge.dispute.funds_withdrawn").json["data"].list.isEmpty)
            #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(payment)&amount=100").status == 200)
        }
    }
}
