import JSON
import Messaging

/// A column that contains JSON, decoded only where it is needed: most steps of a saga need none of an order's texts.
struct JSONColumn<Value: Codable & Sendable>: Sendable {
    let text: String
    /// The value that the text was encoded from; nil if the text was read from the database.
    private let source: Value?

    init(text: String) {
        self.text = text
        source = nil
    }

    private init(text: String, _ value: Value) {
        self.text = text
        source = value
    }

    init(_ value: Value) throws {
        text = String(decoding: try JSON.encode(value), as: UTF8.self)
        source = value
    }

    /// The same column with its value decoded, so that several readers need not decode it again.
    var decoded: JSONColumn {
        get throws { JSONColumn(text: text, try value) }
    }

    var value: Value {
        get throws { try source ?? JSON.decode(from: Array(text.utf8)) }
    }
}
