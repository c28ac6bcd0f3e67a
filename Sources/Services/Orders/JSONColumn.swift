import JSON
import Messaging

/// A column that contains JSON, decoded only where it is needed: most steps of a saga need none of an order's texts.
struct JSONColumn<Value: Codable & Sendable>: Sendable {
    let text: String

    init(text: String) {
        self.text = text
    }

    init(_ value: Value) throws {
        text = String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    var value: Value {
        get throws { try JSON.decode(from: Array(text.utf8)) }
    }
}
