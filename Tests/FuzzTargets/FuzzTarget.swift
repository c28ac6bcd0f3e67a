import AMQP
import FoundationEssentials
import Gzip
import Traces

@testable import Ingress
@testable import Input
@testable import JSON
@testable import Messaging
@testable import Runtime

/// The decoders of untrusted input. Each accepts any bytes and must return: a value or an error. Its other promises
/// are checked on the way, and a broken one ends the process.
public enum FuzzTarget: String, CaseIterable, Sendable {
    case json, fields, request, target, signature, properties, headers, gzip

    public func run(_ bytes: [UInt8]) {
        switch self {
        case .json: Self.json(bytes)
        case .fields: Self.fields(bytes)
        case .request: Self.request(bytes)
        case .target: Self.target(bytes)
        case .signature: Self.signature(bytes)
        case .properties: WireProperties.decode(bytes)
        case .headers: Self.headers(bytes)
        case .gzip: Self.gzip(bytes)
        }
    }

    /// Well-formed inputs, for a mutator to begin with.
    public var seeds: [[UInt8]] {
        switch self {
        case .properties: WireProperties.seeds
        // "hello, hello, hello", packed.
        case .gzip: [[31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 200, 64, 162, 0, 159, 161, 202, 9, 19, 0, 0, 0]]
        default: texts.map { Array($0.utf8) }
        }
    }

    private var texts: [String] {
        switch self {
        case .json, .fields:
            [
                #"{"text": "a\u00e9\ud83d\ude00", "integer": 17, "money": {"amount": 1999, "currency": "EUR"}, "id": "6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10"}"#,
                #"[1, -0.5e+10, true, null, [], {}, "\"\\\/\b\f\n\r\t"]"#, #"{"a": [{"b": [[[[1]]]]}]}"#, "\u{FEFF}{}",
            ]
        case .request:
            ["6F1C1F0E-5D0A-4A44-9F0E-0F5F7A3A2B10\0payments.charge\0reply\0correlation\0p.id\0value\0caller\0x\0{\"a\": 1}", "\0\0\0\0\0\0"]
        case .target: ["/v1/products/a%20b?limit=3&search=%C3%BC+x", "/v1//%2e%2e/%", "/?a=1&a=2&&=&%00"]
        case .signature: ["t=1768469400,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,v0=00", "t=,v1=,t", "v1=zz,t=9223372036854775808"]
        case .headers:
            [
                "wait=10", ";", "respond-async, wait=\"3\"; a=b", "\"a\", W/\"b\", *", "Bearer a.b-c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "application/json; charset=utf-8", "gzip, identity", "k-1\0k-2",
            ]
        case .properties, .gzip: []
        }
    }
}

// MARK: - The decoders

extension FuzzTarget {
    private static func json(_ bytes: [UInt8]) {
        guard (try? JSONSyntax(checking: bytes)) != nil, let value = try? JSON.decode(JSONValue.self, from: bytes) else { return }
        // A decoded value is encoded as something that can be decoded again.
        guard let written = try? JSON.encode(value) else { return }
        precondition((try? JSONSyntax(checking: written)) != nil, "not JSON: \(String(decoding: written, as: UTF8.self))")
    }

    private static func fields(_ bytes: [UInt8]) {
        let parameters = [
            "id": String(decoding: bytes.prefix(40), as: UTF8.self), "limit": String(decoding: bytes.suffix(4), as: UTF8.self), "cursor": String(decoding: bytes.suffix(30), as: UTF8.self),
        ]
        let request = Request(id: UUID(), operation: "fuzz.fields", parameters: parameters, body: bytes)
        _ = try? Fields.read(request) { fields in
            _ = fields.text("text", 1...10)
            _ = fields.secret("secret", 1...10)
            _ = fields.integer("integer", 1...99)
            _ = fields.optionalBoolean("boolean")
            _ = fields.money("money")
            _ = fields.uuid("id")
            _ = fields.choice("choice", ["a", "b"])
            _ = fields.optionalJSON("a", [JSONValue].self, named: "a list")
            _ = fields.object("object") { $0.text("text", 0...5) }
            _ = fields.parameter("id")
            _ = fields.page()
            return try fields.uuidParameter("id", of: "thing")
        }
    }

    /// The properties, separated by NUL; the rest is the body. And the same bytes as a bundle.
    private static func request(_ bytes: [UInt8]) {
        let bundle = Delivery(
            tag: DeliveryTag(generation: 0, number: 0), exchange: "", routingKey: "", redelivered: false,
            properties: Properties(contentType: Bundle.contentType), body: bytes)
        for message in Bundle.open(bundle) { _ = try? Request(message) }
        var parts = bytes.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false).map { Array($0) }[...]
        func next() -> String? { parts.popFirst().map { String(decoding: $0, as: UTF8.self) } }
        var properties = Properties(messageID: next(), correlationID: next(), replyTo: next(), type: next())
        if let name = next() { properties.headers[name] = .string(next() ?? "") }
        let numbers = bytes.prefix(8).reduce(Int64(0)) { $0 &<< 8 | Int64($1) }
        for name in ["deadline", "attempt"] { properties.headers[name] = .integer(numbers) }
        properties.headers["failures"] = .array([.table(["at": .integer(numbers), "worker": "w", "cause": "c", "detail": .string(next() ?? "")])])
        if let role = next() { properties.headers["role"] = .string(role) }
        let delivery = Delivery(
            tag: DeliveryTag(generation: 0, number: 0), exchange: "", routingKey: "", redelivered: false, properties: properties, body: bytes)
        guard let request = try? Request(delivery) else { return }
        let again = Delivery(
            tag: delivery.tag, exchange: "", routingKey: "", redelivered: true,
            properties: request.publication(durability: .durable, now: Date(timeIntervalSince1970: 0)).properties, body: request.body)
        let reread = try? Request(again)
        precondition(reread?.id == request.id && reread?.fingerprint(of: .body) == request.fingerprint(of: .body), "a request changed on its way")
    }

    private static func target(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let target = try? RequestTarget(path: parts[0], query: parts.count == 2 ? parts[1] : nil) else { return }
        let all = target.segments + target.query.keys + target.query.values
        precondition(all.allSatisfy { !$0.utf8.contains(0) }, "U+0000 passed")
    }

    /// The values of one header, separated by NUL, as if they were every header that the ingress reads.
    private static func headers(_ bytes: [UInt8]) {
        let values = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        if let seconds = WaitPreference.read(values) {
            precondition((1...WaitPreference.maximumSeconds).contains(seconds), "a wait of \(seconds) s")
        }
        _ = EntityTag.matches(values, "\"a\"")
        for value in values {
            _ = EntityTags(value).match("\"a\"")
            _ = RequestID.accepted(value)
            _ = try? MediaType.check(value, isOneOf: ["application/json"])
            let trace = TraceContext(continuing: value, randomness: NoChance())
            precondition(TraceContext(continuing: trace.header, randomness: NoChance()).traceID == trace.traceID, "a trace was not continued")
            for key in [GuestKey("body.cartId"), GuestKey(value)] { _ = key?.value(["id": value], bytes) }
        }
        _ = try? IdempotencyKey.read(values, isRequired: true)
        _ = try? ContentCoding.read(values)
        if let token = try? BearerToken.read(values) {
            precondition(token.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a token that is none")
        }
    }

    private struct NoChance: Randomness {
        func uuid() -> UUID { UUID(uuid: (1, 2, 3, 4, 5, 6, 0x40, 8, 0x80, 10, 11, 12, 13, 14, 15, 16)) }
        func fraction() -> Double { 0 }
    }

    private static func gzip(_ bytes: [UInt8]) {
        let limit = 10_000
        guard let unpacked = try? Gzip.unpack(bytes, limit: limit) else { return }
        precondition(unpacked.count <= limit, "more was unpacked than was asked for")
    }

    private static func signature(_ bytes: [UInt8]) {
        guard let signature = try? StripeSignature([String(decoding: bytes, as: UTF8.self)]) else { return }
        let isValid = (try? signature.verify(bytes, secrets: ["whsec_fuzz"], now: Date(timeIntervalSince1970: 1_768_469_400))) != nil
        precondition(!isValid, "a signature was forged")
    }
}
