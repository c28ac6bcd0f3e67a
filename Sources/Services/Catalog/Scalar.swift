import Contracts
import JSON
import Messaging

/// A value of a product's attributes: a JSON scalar.
enum Scalar: Sendable, Codable, Equatable {
    case text(String)
    /// Kept exactly: an article number of 19 digits is one.
    case number(JSONNumber)
    case boolean(Bool)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(JSONNumber.self) {
            self = .number(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        }
    }

    /// Why it cannot be stored; nil when it can be.
    var flaw: String? {
        switch self {
        case .text(let text): text.hasControls(allowingLines: true) ? "must not hold control characters" : nil
        case .number(let number): number.isPlausible ? nil : "must not hold a number beyond 10 to the power of \(JSONNumber.maximumMagnitude)"
        case .boolean: nil
        }
    }
}
