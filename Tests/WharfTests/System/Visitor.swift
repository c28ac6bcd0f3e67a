import FoundationEssentials
import JSON
import Messaging
import TestKit
import Testing
import WebClient

/// The shop's answer.
struct Answer: Sendable {
    let response: WebResponse
    /// `.null` for a body that is not JSON.
    let json: JSONValue

    init(_ response: WebResponse) {
        self.response = response
        json = (try? JSON.decode(JSONValue.self, from: response.body)) ?? .null
    }

    var status: Int { response.status }
    func header(_ name: String) -> String? { response.first(name) }

    subscript(_ path: String...) -> JSONValue? {
        path.reduce(Optional(json)) { value, name in value?[name] }
    }

    /// The last part of a problem's type.
    var problem: String? { self["type"]?.text.flatMap { $0.split(separator: "/").last.map(String.init) } }
    /// The fields that a problem names.
    var fields: [String] { self["errors"]?.list.compactMap { $0["field"]?.text } ?? [] }
}

extension JSONValue {
    subscript(_ name: String) -> JSONValue? {
        if case .object(let fields) = self { fields[name] } else { nil }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int? { if case .integer(let number) = self { number } else { nil } }
    var list: [JSONValue] { if case .array(let values) = self { values } else { [] } }
}

/// A user of the shop over HTTP.
struct Visitor: Sendable {
    static let timeout = Duration.seconds(40)

    let wharf: RunningWharf
    /// Nil for a guest.
    var token: String?
    /// An address to use instead of the shop's.
    var entrance: Entrance?

    struct Entrance: Sendable {
        let url: String
        let web: WebClient
    }

    static func guest() throws -> Visitor { Visitor(wharf: try .get(), token: nil) }

    static func admin() throws -> Visitor {
        let wharf = try RunningWharf.get()
        return Visitor(wharf: wharf, token: wharf.adminToken)
    }

    /// A new account, signed in.
    static func customer() async throws -> (visitor: Visitor, email: String) {
        var visitor = try Visitor.guest()
        let email = "\(UUID().uuidString.lowercased())@example.com"
        let account = try await visitor.post(
            "/v1/users", #"{"email": "\#(email)", "password": "correct horse battery", "name": "Ada"}"#)
        #expect(account.status == 201)
        visitor.token = try await visitor.signIn(email)["token"]?.text
        return (visitor, email)
    }

    func signIn(_ email: String, password: String = "correct horse battery") async throws -> Answer {
        try await post("/v1/sessions", #"{"email": "\#(email)", "password": "\#(password)"}"#)
    }

    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send("GET", path, nil, headers)
    }

    func post(_ path: String, _ body: String? = nil, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send("POST", path, body, headers)
    }

    func put(_ path: String, _ body: String, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send("PUT", path, body, headers)
    }

    func delete(_ path: String, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send("DELETE", path, nil, headers)
    }

    func send(_ method: String, _ path: String, _ body: String?, _ headers: [String: String] = [:]) async throws -> Answer {
        try await send(method, path, bytes: body.map { Array($0.utf8) } ?? [], headers)
    }

    /// A body is JSON unless the headers say otherwise.
    func send(_ method: String, _ path: String, bytes: [UInt8], _ headers: [String: String] = [:]) async throws -> Answer {
        var all = headers
        if let token { all["authorization"] = "Bearer \(token)" }
        if !bytes.isEmpty, headers["content-type"] == nil { all["content-type"] = "application/json" }
        return Answer(
            try await (entrance?.web ?? wharf.web).send(
                WebRequest(
                    method: method, url: (entrance?.url ?? wharf.url) + path, headers: all.map { (name: $0.key, value: $0.value) }, body: bytes,
                    timeout: Self.timeout)))
    }
}

// MARK: - What tests begin with

extension Visitor {
    /// The SKU of a new product with this many pieces. Called on an administrator.
    func newProduct(price: Int = 1_000, stock: Int = 100, currency: String = "EUR") async throws -> String {
        let sku = "T-\(UUID().uuidString)"
        let product = try await post(
            "/v1/products", #"{"sku": "\#(sku)", "name": "Thing", "price": {"amount": \#(price), "currency": "\#(currency)"}}"#)
        #expect(product.status == 201)
        #expect(try await put("/v1/stock/\(sku)", #"{"onHand": \#(stock)}"#).status == 200)
        return sku
    }

    func newCart(_ sku: String? = nil, quantity: Int = 1) async throws -> String {
        let id = try #require(try await post("/v1/carts")["id"]?.text)
        if let sku { #expect(try await put("/v1/carts/\(id)/items/\(sku)", #"{"quantity": \#(quantity)}"#).status == 200) }
        return id
    }

    /// - Parameters:
    ///   - wait: Seconds for the order to settle; nil does not wait.
    ///   - more: Further fields of the body, with a comma before each.
    func checkout(
        _ cart: String, email: String? = "guest@example.com", paying card: String = "pm_card_visa", key: String = UUID().uuidString,
        wait: Int? = 20, more: String = ""
    ) async throws -> Answer {
        let contact = email.map { #""email": "\#($0)", "# } ?? ""
        let body = """
            {"cartId": "\(cart)", \(contact)"payment": {"gateway": "stripe", "paymentMethod": "\(card)"}, "shippingAddress":
             {"name": "Ada", "line1": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}\(more)}
            """
        var headers = ["idempotency-key": key]
        if let wait { headers["prefer"] = "wait=\(wait)" }
        return try await post("/v1/checkouts", body, headers)
    }

    /// The order at this place, once it is in this state.
    func order(at location: String?, in state: String) async throws -> Answer {
        let path = try #require(location)
        try await eventually("The state \(state)") { try await get(path)["state"]?.text == state }
        return try await get(path)
    }

    /// The order once its history ends with `event`.
    func order(at location: String?, after event: String) async throws -> Answer {
        let path = try #require(location)
        try await eventually("The event '\(event)'") { try await get(path)["history"]?.list.last?["detail"]?.text == event }
        return try await get(path)
    }

    struct Stock: Equatable {
        let onHand, reserved: Int?
    }

    func stock(_ sku: String) async throws -> Stock {
        let stock = try await get("/v1/stock/\(sku)")
        return Stock(onHand: stock["onHand"]?.number, reserved: stock["reserved"]?.number)
    }
}
