import AMQP
import Messaging

/// What a replay is made from, to the letter: `jsonb` cannot hold every text that a header can.
struct Original: Sendable, Equatable, Codable {
    let messageID: String?
    let operation: String?
    let headers: [String: String]

    init(_ properties: Properties) {
        messageID = properties.messageID
        operation = properties.type
        headers = properties.headers.compactMapValues(\.string)
    }

    /// Its body aside, the message as it was before it failed.
    func message(_ body: [UInt8], contentType: String?) -> FailedMessage {
        FailedMessage(messageID: messageID, operation: operation, contentType: contentType, headers: headers, body: body)
    }
}
