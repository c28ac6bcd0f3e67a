import AMQP
import Messaging

/// The source of a replay, to the letter: `jsonb` cannot hold every text that a header can.
struct Original: Sendable, Equatable, Codable {
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
}
