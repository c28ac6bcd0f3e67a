import FoundationEssentials
import JSON
import Messaging
import Seeds
import TestKit

/// Makes requests from an OpenAPI document: mostly valid ones, now and then invalid ones.
struct RequestMaker {
    struct Made {
        let operation: String
        let method: String
        var path: String
        var body: String?
        var headers: [String: String] = [:]
        /// The statuses that the document has for the operation.
        let documented: Set<Int>
    }

    let document: JSONValue
    var draws: SplitMix

    private static let oddTexts = [
        "", " ", "\u{0}", "a\u{0}b", "'; DROP TABLE orders; --", "../../etc/passwd", "%00", "\u{1F980}\u{202E}", "null", "-1", "1e999", "\\", "\"",
        String(repeating: "x", count: 300), String(repeating: "ü", count: 5_000), "<script>", "{}", "00000000-0000-0000-0000-000000000000",
    ]
    private static let oddValues: [JSONValue] = [
        .null, .boolean(true), .integer(0), .integer(-1), .integer(.max), .integer(.min), .number(0.5), .array([]), .object([:]),
        .array([.object(["a": .array([.null])])]), "", "\u{0}",
    ]
    /// Headers that any request may have, whatever the document says.
    private static let headersOfAll = [
        "prefer", "traceparent", "x-request-id", "if-none-match", "accept", "accept-encoding", "forwarded", "x-forwarded-for", "last-event-id",
    ]
    private static let oddHeaders = [";", ",", "=", "-", "\"", ";;", "=;=", "wait=", "wait=;", ";wait", "---", "W/", "*,*", "q=0", "for=\"[::\"", "%00", "1e999", "9223372036854775808"]
    private static let methods = ["get", "put", "post", "delete", "patch"]

    /// One request for every operation.
    mutating func round(known: [String]) -> [Made] {
        var made: [Made] = []
        for (path, item) in (document["paths"]?.fields ?? [:]).sorted(by: { $0.key < $1.key }) {
            for method in Self.methods {
                guard let operation = item[method] else { continue }
                made.append(request(method, path, operation, shared: item["parameters"]?.list ?? [], known: known))
            }
        }
        return made
    }

    private mutating func request(_ method: String, _ path: String, _ operation: JSONValue, shared: [JSONValue], known: [String]) -> Made {
        let statuses = (operation["responses"]?.fields ?? [:]).keys.compactMap { Int($0) }
        var made = Made(operation: operation["operationId"]?.text ?? "", method: method.uppercased(), path: path, documented: Set(statuses))
        var query: [String] = []
        for parameter in (shared + (operation["parameters"]?.list ?? [])).map(resolve) {
            guard let name = parameter["name"]?.text, let place = parameter["in"]?.text else { continue }
            let text = draws.oneIn(4) ? draws.pick(Self.oddTexts) : text(of: value(of: parameter["schema"] ?? .null, known: known))
            switch place {
            case "path": made.path = made.path.replacing("{\(name)}", with: Self.encoded(text.isEmpty ? "x" : text))
            case "query": if draws.oneIn(2) { query.append("\(name)=\(Self.encoded(text))") }
            // A field value of printable ASCII; anything else ends at the client.
            default: if draws.oneIn(2) { made.headers[name.lowercased()] = String(text.filter { $0.isASCII && $0 >= " " && $0 <= "~" }.prefix(200)) }
            }
        }
        if draws.oneIn(10) { query.append("unheard-of=1") }
        if !query.isEmpty { made.path += "?" + query.joined(separator: "&") }
        // Waiting is tested elsewhere.
        made.headers["prefer"] = nil
        if draws.oneIn(3) { made.headers[draws.pick(Self.headersOfAll)] = draws.pick(Self.oddHeaders) }
        if let content = resolve(operation["requestBody"] ?? .null)["content"]?.fields["application/json"] {
            let value = draws.oneIn(12) ? draws.pick(Self.oddValues) : value(of: content["schema"] ?? .null, known: known)
            var text = (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            if draws.oneIn(12) { text = String(text.dropLast(Int.random(in: 0...3, using: &draws))) }
            made.body = text
            made.headers["content-type"] = draws.oneIn(20) ? "text/plain" : "application/json"
        }
        return made
    }

    private func resolve(_ node: JSONValue) -> JSONValue {
        guard let reference = node["$ref"]?.text else { return node }
        return reference.dropFirst(2).split(separator: "/").reduce(document) { $0[String($1)] ?? .null }
    }

    private mutating func value(of schema: JSONValue, known: [String], depth: Int = 0) -> JSONValue {
        let schema = resolve(schema)
        if draws.oneIn(15) { return draws.pick(Self.oddValues) }
        if let choices = schema["enum"]?.list, !choices.isEmpty { return draws.pick(choices) }
        let type = schema["type"]?.text ?? schema["type"]?.list.first?.text
        switch type {
        case "object" where depth < 5:
            var fields: [String: JSONValue] = [:]
            for (name, property) in (schema["properties"]?.fields ?? [:]).sorted(by: { $0.key < $1.key }) where !draws.oneIn(8) {
                fields[name] = value(of: property, known: known, depth: depth + 1)
            }
            if draws.oneIn(12) { fields["unheardOf"] = 1 }
            return .object(fields)
        case "array" where depth < 5:
            let count = Int.random(in: 0...3, using: &draws)
            return .array((0..<count).map { _ in value(of: schema["items"] ?? .null, known: known, depth: depth + 1) })
        case "integer": return .integer(Int.random(in: -1...120, using: &draws))
        case "number": return .number(Double.random(in: -1...120, using: &draws))
        case "boolean": return .boolean(draws.oneIn(2))
        default:
            if draws.oneIn(8) { return .string(draws.pick(Self.oddTexts)) }
            if draws.oneIn(2) { return .string(draws.pick(known)) }
            return .string(String((0..<12).map { _ in draws.pick(Array("abcdefgh-_@.EUR123")) }))
        }
    }

    private func text(of value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        return (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber || byte == UInt8(ascii: "-"))
            return isPlain ? String(Character(Unicode.Scalar(byte))) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension JSONValue {
    var fields: [String: JSONValue] { if case .object(let fields) = self { fields } else { [:] } }
}
