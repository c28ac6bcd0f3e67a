import Contracts
import FoundationEssentials
import JSON
import Secrets

/// A body that is too large for a message, on its way to a service: sent in pieces, each of which the service has kept before the next one is sent. Then the
/// operation itself is requested, which names what is kept.
///
/// Another attempt with the same id sends the same pieces under the same ids: they count once, and another file is refused.
public struct Upload: Sendable {
    /// Of an unpacked body. A message, and a row, of a size that brokers and databases do not mind.
    public static let pieceBytes = 524_288
    /// Of the whole body, unpacked. The contract in openapi.yaml states it to clients.
    public static let maximumBytes = 67_108_864
    /// How often a request is sent again if its result is unknown. Repeated requests count once.
    public static let maximumTries = 3

    /// The name of the parameter that contains the upload's id.
    public static let parameter = "upload"
    /// The name of the parameter that contains the position of a piece.
    public static let placeParameter = "upload-place"
    /// The field with the length of the whole, in the body of the request for the operation itself.
    public static let bytesField = "bytes"

    /// Also that of the request for the operation itself.
    public let id: UUID

    public init(id: UUID) {
        self.id = id
    }

    /// Of the request for the operation itself.
    public func parameters(_ others: [String: String]) -> [String: String] {
        others.merging([Self.parameter: id.lowerCaseText]) { _, own in own }
    }

    /// Of the request to keep the piece that begins at `place`.
    public func parameters(_ others: [String: String], at place: Int) -> [String: String] {
        parameters(others).merging([Self.placeParameter: "\(place)"]) { _, own in own }
    }

    /// Of the request to keep the piece that begins at `place`.
    public func id(at place: Int) -> UUID { .v5(namespace: id, name: "\(place)") }

    /// Of the request for the operation itself.
    public static func body(bytes: Int) throws -> [UInt8] { try JSON.encode([bytesField: bytes]) }

    /// - Throws: `RequestClient.Unanswered` when the last try has no reply either.
    public static func trying(_ send: () async throws -> Reply) async throws -> Reply {
        var tries = 1
        while true {
            do {
                return try await send()
            } catch is RequestClient.Unanswered where tries < maximumTries {
                tries += 1
            }
        }
    }
}
