import FoundationEssentials
import Input
import Messaging

/// Another body for a letter's message.
struct EditLetter: Sendable {
    /// The ingress accepts no larger bodies.
    static let bodyLength = 0...(1 << 20)

    let id: UUID
    let body: [UInt8]

    static func read(_ request: Request) throws -> EditLetter {
        try Fields.read(request) { fields in
            EditLetter(id: try fields.uuidParameter("id", of: "dead letter"), body: Array(fields.secret("body", bodyLength).utf8))
        }
    }
}
