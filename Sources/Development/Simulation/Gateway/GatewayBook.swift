import FoundationEssentials
import Messaging

/// The state of the model Stripe, and of the model PayPal, whose payments are intents as well. Every decision is here; no time passes and nothing fails.
struct GatewayBook: Sendable {
    enum Status: String, Sendable {
        case succeeded, canceled
        case requiresAction = "requires_action"
        case requiresPaymentMethod = "requires_payment_method"
        /// The money is reserved.
        case requiresCapture = "requires_capture"
        /// PayPal reviews a capture.
        case processing
        /// Created; no card has been tried.
        static let untried = Status.requiresPaymentMethod
    }

    struct Intent: Sendable {
        let id: String
        let order: UUID
        let amount: Int
        var status: Status
        var declineCode: String?
        var refunds: [Refund] = []
        var dispute: String?
        /// How often money was taken; more than once would be an error.
        var captures = 0
        /// Whether it is only authorized at first.
        var isCapturedLater = false
        var wasAuthorized = false
        /// Whether the bank has ended its authorization.
        var hasLapsed = false
        /// Nil for Stripe's.
        var payPal: PayPal?
        /// When a search first finds it, in microseconds of virtual time.
        var searchable: Int64 = 0

        /// A failed refund does not count.
        var refunded: Int { refunds.reduce(0) { $1.status == "failed" ? $0 : $0 + $1.amount } }
    }

    struct Refund: Sendable {
        let id: String
        let amount: Int
        let metadata: [String: String]
        var status: String
    }

    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]
        /// The events to send to the webhook, each with the intent as it was then.
        var events: [(type: String, intent: Intent)] = []
        var isRecalled = false
    }

    var intents: [Intent] = []
    private var answers: [String: (parameters: [String: String], answer: Answer)] = [:]
    private var lastEvent = 0
    var lastRefund = 0

    func intent(_ id: String) -> Intent? { intents.first { $0.id == id } }
    func intents(of order: UUID) -> [Intent] { intents.filter { $0.order == order } }

    /// The same key with the same parameters returns the first answer.
    /// - Parameter text: The body as it was sent: PayPal's are JSON.
    mutating func post(_ path: String, _ parameters: [String: String], text: [UInt8] = [], key: String?, searchable: Int64) -> Answer {
        if let key, let known = answers[key] {
            guard known.parameters == parameters else { return failure(400, type: "idempotency_error", "other parameters under one key") }
            var answer = known.answer
            answer.events = []
            answer.isRecalled = true
            return answer
        }
        let parts = path.split(separator: "/").map(String.init)
        let answer: Answer
        switch (parts.count, parts.last) {
        case _ where Self.isPayPal(path): answer = postToPayPal(parts, text)
        case (2, "payment_intents"): answer = create(parameters, searchable)
        case (4, "capture"):
            answer = change(parts[2]) { intent in
                guard intent.status == .requiresCapture else { return nil }
                intent.status = .succeeded
                intent.captures += 1
                return "payment_intent.succeeded"
            }
        case (4, "cancel"):
            answer = change(parts[2]) { intent in
                guard [.requiresAction, .requiresPaymentMethod, .requiresCapture].contains(intent.status) else { return nil }
                intent.status = .canceled
                return "payment_intent.canceled"
            }
        case (2, "refunds"): answer = refund(parameters)
        default: answer = failure(404, type: "invalid_request_error", "no such path")
        }
        if let key { answers[key] = (parameters, answer) }
        return answer
    }

    private mutating func create(_ parameters: [String: String], _ searchable: Int64) -> Answer {
        guard let order = parameters["metadata[order_id]"].flatMap(UUID.init(uuidString:)), let amount = parameters["amount"].flatMap(Int.init)
        else { return failure(400, type: "invalid_request_error", "parameters are missing") }
        var intent = Intent(id: "pi_\(intents.count + 1)", order: order, amount: amount, status: .succeeded)
        intent.searchable = searchable
        intent.isCapturedLater = parameters["capture_method"] == "manual"
        var events = ["charge.succeeded", "payment_intent.succeeded", "charge.updated"]
        switch parameters["payment_method"] {
        case "pm_card_visa" where intent.isCapturedLater:
            (intent.status, intent.wasAuthorized) = (.requiresCapture, true)
            events = ["charge.succeeded", "payment_intent.amount_capturable_updated"]
        case "pm_card_visa": intent.captures = 1
        case "pm_card_authenticationRequired": (intent.status, events) = (.requiresAction, ["payment_intent.requires_action"])
        default:
            (intent.status, intent.declineCode) = (.requiresPaymentMethod, "generic_decline")
            events = ["charge.failed", "payment_intent.payment_failed"]
        }
        intents.append(intent)
        var new = Intent(id: intent.id, order: order, amount: amount, status: .untried)
        new.searchable = searchable
        let sent = [("payment_intent.created", new)] + events.map { ($0, intent) }
        guard intent.status == .requiresPaymentMethod else { return Answer(status: 200, body: body(intent), events: sent) }
        var refusal = failure(402, type: "card_error", "declined", code: "card_declined", decline: "generic_decline", intent: intent)
        refusal.events = sent
        return refusal
    }

    private mutating func change(_ id: String, _ transition: (inout Intent) -> String?) -> Answer {
        guard let place = intents.firstIndex(where: { $0.id == id }) else {
            return failure(404, type: "invalid_request_error", "no such payment intent", code: "resource_missing")
        }
        guard let event = transition(&intents[place]) else {
            return failure(400, type: "invalid_request_error", "unexpected state", code: "payment_intent_unexpected_state")
        }
        return Answer(status: 200, body: body(intents[place]), events: [(event, intents[place])])
    }

    private mutating func refund(_ parameters: [String: String]) -> Answer {
        let id = parameters["payment_intent"] ?? ""
        guard let place = intents.firstIndex(where: { $0.id == id }), intents[place].status == .succeeded else {
            return failure(400, type: "invalid_request_error", "there is nothing to refund")
        }
        let left = intents[place].amount - intents[place].refunded
        if intents[place].dispute == "needs_response" { return failure(400, type: "invalid_request_error", "charged back", code: "charge_disputed") }
        guard left > 0 else { return failure(400, type: "invalid_request_error", "refunded already", code: "charge_already_refunded") }
        let amount = parameters["amount"].flatMap(Int.init) ?? left
        guard amount > 0, amount <= left else { return failure(400, type: "invalid_request_error", "greater than unrefunded amount", code: "amount_too_large") }
        lastRefund += 1
        let metadata = parameters.filter { $0.key.hasPrefix("metadata[") }.map { (String($0.key.dropFirst(9).dropLast()), $0.value) }
        let refund = Refund(id: "re_\(lastRefund)", amount: amount, metadata: Dictionary(metadata) { first, _ in first }, status: "succeeded")
        intents[place].refunds.insert(refund, at: 0)
        return Answer(status: 200, body: Array(Self.text(refund).utf8), events: [("charge.refunded", intents[place])])
    }

    /// Cancels the authorization of an order's payment, as the bank does when it expires. Returns nil if the order has no authorization.
    mutating func endAuthorization(_ order: UUID) -> Answer? {
        guard let intent = intents.last(where: { $0.order == order && $0.status == .requiresCapture }) else { return nil }
        return change(intent.id) { intent in
            (intent.status, intent.hasLapsed) = (.canceled, true)
            return "payment_intent.canceled"
        }
    }

    /// What a person at the gateway or a bank may do: refund by hand, let a refund fail after it succeeded, dispute the payment. Nil where that is impossible.
    mutating func meddle(_ order: UUID, _ change: (inout Intent, _ number: Int) -> String?) -> Answer? {
        guard let place = intents.lastIndex(where: { $0.order == order && $0.status == .succeeded }) else { return nil }
        lastRefund += 1
        guard let event = change(&intents[place], lastRefund) else { return nil }
        return Answer(status: 200, body: [], events: [(event, intents[place])])
    }

    private static func text(_ refund: Refund) -> String {
        let metadata = refund.metadata.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }.joined(separator: ",")
        return #"{"id":"\#(refund.id)","object":"refund","amount":\#(refund.amount),"currency":"eur","status":"\#(refund.status)","metadata":{\#(metadata)}}"#
    }

    /// The customer's part; nil when there is nothing left to authenticate.
    mutating func authenticate(_ order: UUID, succeeds: Bool) -> Answer? {
        guard
            let intent = intents.last(where: { $0.order == order && $0.payPal == nil && ($0.status == .requiresAction || $0.status == .requiresPaymentMethod) })
        else { return nil }
        return change(intent.id) { intent in
            guard succeeds else {
                (intent.status, intent.declineCode) = (.requiresPaymentMethod, "authentication_failed")
                return "payment_intent.payment_failed"
            }
            guard !intent.isCapturedLater else {
                (intent.status, intent.wasAuthorized) = (.requiresCapture, true)
                return "payment_intent.amount_capturable_updated"
            }
            intent.status = .succeeded
            intent.captures += 1
            return "payment_intent.succeeded"
        }
    }

    func get(_ path: String, now: Int64) -> Answer {
        if Self.isPayPal(path) { return getFromPayPal(path) }
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let query = parts.count == 2 ? parts[1] : ""
        let isExpanded = query.contains("latest_charge")
        if parts.first?.hasSuffix("/disputes") == true {
            let all = intents.filter { $0.dispute != nil && query.contains("payment_intent=\($0.id)&") }.map {
                #"{"id":"dp_\#($0.id)","amount":\#($0.amount),"currency":"eur","reason":"fraudulent","status":"\#($0.dispute ?? "")"}"#
            }
            return Answer(status: 200, body: Array(#"{"object":"list","has_more":false,"data":[\#(all.joined(separator: ","))]}"#.utf8))
        }
        let found: [Intent]
        switch parts.first?.split(separator: "/").last {
        // The query names one order; a search returns what its index has by now, the newest first.
        case "search": found = intents.reversed().filter { $0.payPal == nil && query.contains($0.order.uuidString.lowercased()) && $0.searchable <= now }
        case "payment_intents": found = intents.reversed().filter { $0.payPal == nil }
        case let id:
            guard let intent = id.flatMap({ intent(String($0)) }) else {
                return failure(404, type: "invalid_request_error", "no such payment intent", code: "resource_missing")
            }
            return Answer(status: 200, body: body(intent, isExpanded: isExpanded))
        }
        let list = found.map { String(decoding: body($0, isExpanded: isExpanded), as: UTF8.self) }.joined(separator: ",")
        return Answer(status: 200, body: Array(#"{"object":"list","has_more":false,"data":[\#(list)]}"#.utf8))
    }

    mutating func eventBody(_ type: String, _ intent: Intent) -> [UInt8] {
        lastEvent += 1
        if intent.payPal != nil { return Self.payPalEvent(type, intent, id: "WH-\(lastEvent)") }
        let object =
            type.hasPrefix("charge.") || type.hasPrefix("refund.")
            ? #"{"id":"ch_\#(intent.id)","object":"charge","payment_intent":"\#(intent.id)"}"# : String(decoding: body(intent), as: UTF8.self)
        return Array(#"{"id":"evt_\#(lastEvent)","object":"event","type":"\#(type)","data":{"object":\#(object)}}"#.utf8)
    }

    private func body(_ intent: Intent, isExpanded: Bool = false) -> [UInt8] {
        let failure = intent.declineCode.map { #""last_payment_error":{"code":"card_declined","decline_code":"\#($0)"},"# } ?? ""
        var charge = "null"
        if intent.captures > 0 || intent.wasAuthorized {
            // Stripe counts an authorization that was released as refunded.
            let released = intent.captures == 0 && intent.status == .canceled ? intent.amount : 0
            let refunds = intent.refunds.map(Self.text).joined(separator: ",")
            charge =
                isExpanded
                ? #"{"id":"ch_\#(intent.id)","amount_refunded":\#(intent.refunded + released),"disputed":\#(intent.dispute != nil),"refunds":{"has_more":false,"data":[\#(refunds)]}}"#
                : #""ch_\#(intent.id)""#
        }
        return Array(
            #"""
            {"id":"\#(intent.id)","object":"payment_intent","amount":\#(intent.amount),"currency":"eur","status":"\#(intent.status.rawValue)",\#(failure)\#
            "amount_received":\#(intent.captures > 0 ? intent.amount : 0),\#
            "latest_charge":\#(charge),"client_secret":"\#(intent.id)_secret","metadata":{"order_id":"\#(intent.order.uuidString.lowercased())"}}
            """#.utf8)
    }

    func failure(
        _ status: Int, type: String, _ message: String, code: String? = nil, decline: String? = nil, intent: Intent? = nil
    ) -> Answer {
        var fields = [#""type":"\#(type)""#, #""message":"\#(message)""#]
        if let code { fields.append(#""code":"\#(code)""#) }
        if let decline { fields.append(#""decline_code":"\#(decline)""#) }
        if let intent { fields.append(#""payment_intent":\#(String(decoding: body(intent), as: UTF8.self))"#) }
        return Answer(status: status, body: Array(#"{"error":{\#(fields.joined(separator: ","))}}"#.utf8))
    }
}
