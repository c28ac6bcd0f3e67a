import FoundationEssentials

/// What became of a message after its carrier accepted it.
enum Delivery: String, Sendable, CaseIterable {
    case delivered
    /// The message has not arrived, and will not.
    case undelivered
}

/// A report from Twilio: `MessageStatus` and, for a message that has not arrived, `ErrorCode`.
struct DeliveryReport: Sendable, Equatable {
    let notification: UUID
    let delivery: Delivery
    let detail: String?

    init(notification: UUID, delivery: Delivery, detail: String?) {
        self.notification = notification
        self.delivery = delivery
        self.detail = detail
    }

    /// Nil for any other report: an intermediate state, or a message that Wharf did not send.
    init?(_ fields: [String: String], notification: String?) {
        guard let id = notification.flatMap(UUID.init(uuidString:)), let status = fields["MessageStatus"] ?? fields["SmsStatus"],
            let delivery = Self.delivery(status)
        else { return nil }
        let code = fields["ErrorCode"].flatMap { Int($0) }
        let explanation = code.flatMap { Self.meanings[$0] }
        let said = ["Twilio: \(status)", code.map(String.init), explanation.map { "(\($0))" }].compactMap(\.self).joined(separator: " ")
        self.init(notification: id, delivery: delivery, detail: delivery == .delivered ? nil : said)
    }

    static func delivery(_ status: String) -> Delivery? {
        switch status {
        case "delivered", "read": .delivered
        case "undelivered", "failed": .undelivered
        // accepted, scheduled, queued, sending, sent, canceled, and the states of incoming messages.
        default: nil
        }
    }

    /// The errors about the recipient, from https://www.twilio.com/docs/api/errors.
    private static let meanings = [
        30003: "the handset cannot be reached", 30004: "blocked by the recipient or the carrier", 30005: "the number is unknown", 30006: "a landline, or a carrier that cannot be reached",
        30007: "filtered by the carrier", 30008: "for a reason that the carrier does not give",
    ]
}
