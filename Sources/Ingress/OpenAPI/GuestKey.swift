import Contracts
import JSON
import Messaging

/// Where a request names the scope of a guest's `Idempotency-Key`: something that strangers do not know, or cannot gain from.
public enum GuestKey: Sendable, Equatable {
    /// The value of a template of the path.
    case path(String)
    /// The value of a parameter of the query.
    case query(String)
    /// The text of a field of the body.
    case body(String)

    /// Longer values identify nothing.
    static let maximumBytes = 512

    /// `path.id`, `query.token` or `body.cartId`.
    init?(_ text: String) {
        guard let (place, name) = text.halves(at: "."), !name.isEmpty else { return nil }
        switch place {
        case "path": self = .path(String(name))
        case "query": self = .query(String(name))
        case "body": self = .body(String(name))
        default: return nil
        }
    }

    /// The value in a request; nil when it has no usable one, in which case its service rejects it.
    func value(_ parameters: [String: String], _ body: [UInt8]) -> String? {
        let value: String?
        switch self {
        case .path(let name), .query(let name): value = parameters[name]
        case .body(let name):
            if case .string(let text)?? = (try? JSON.decode([String: JSONValue].self, from: body)).map({ $0[name] }) { value = text } else { value = nil }
        }
        guard let value, (1...Self.maximumBytes).contains(value.utf8.count) else { return nil }
        return value
    }
}
