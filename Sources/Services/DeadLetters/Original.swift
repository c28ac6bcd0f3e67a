import AMQP
import FoundationEssentials
import Messaging
import Secrets

/// The source of a replay, to the letter: `jsonb` cannot hold every text that a header can.
struct Original: Sendable, Equatable, Codable {
    /// Of a letter whose source could not be stored.
    static let nothing = Original(Properties())

    let messageID: String?
    let operation: String?
    let headers: [String: String]

    init(_ properties: Properties) {
        messageID = properties.messageID
        operation = properties.type
        headers = properties.headers.compactMapValues(\.string)
    }

    /// The message as it was before it failed, with the given body.
    func message(_ body: [UInt8], contentType: String?) -> FailedMessage {
        FailedMessage(messageID: messageID, operation: operation, contentType: contentType, headers: headers, body: body)
    }

    /// The message as a replay of an edited letter sends it.
    func edited(_ body: [UInt8], contentType: String?, letter: UUID) -> FailedMessage {
        FailedMessage(messageID: replayedID(of: letter), operation: operation, contentType: contentType, headers: headers, body: body)
    }

    /// The id under which an edited letter is replayed: the original's. An id that no service accepts is replaced by one derived from the letter's.
    func replayedID(of letter: UUID) -> String {
        if let messageID, UUID(text: messageID) != nil { return messageID }
        return UUID.v5(namespace: letter, name: "edited").upperCaseText
    }
}
