import FoundationEssentials
import JSON
import Secrets

/// An id as clients see it: in lower case, as RFC 9562 writes UUIDs and as links contain it. Read in either case.
@propertyWrapper
public struct PublicID: Sendable, Hashable, Codable {
    public var wrappedValue: UUID

    public init(wrappedValue: UUID) {
        self.wrappedValue = wrappedValue
    }

    public init(from decoder: any Decoder) throws {
        wrappedValue = try decoder.singleValueContainer().decode(UUID.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue.lowerCaseText)
    }
}

extension PublicID: DirectlyEncodable {
    public func write(to json: inout JSONWriter) { json.value(wrappedValue.lowerCaseText) }
}
