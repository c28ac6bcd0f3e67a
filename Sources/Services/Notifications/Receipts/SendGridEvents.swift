import FoundationEssentials
import JSON
import Messaging

/// What SendGrid reports about mails: a list of events, of which `delivered`, `bounce` and `dropped` are the final ones of a mail.
enum SendGridEvents {
    private struct Event: Decodable {
        let event: String
        /// Wharf's id of the notification, which SendGrid returns.
        let notification: String?
        let reason: String?
        let type: String?

        private enum Member: String, CodingKey { case event, notification, reason, type }

        /// Members of a type other than documented are ignored; the event is not.
        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Member.self)
            event = try members.decode(String.self, forKey: .event)
            notification = try? members.decodeIfPresent(String.self, forKey: .notification)
            reason = try? members.decodeIfPresent(String.self, forKey: .reason)
            type = try? members.decodeIfPresent(String.self, forKey: .type)
        }
    }

    /// An element that is not an event.
    private struct Lenient: Decodable {
        let event: Event?

        init(from decoder: any Decoder) throws { event = try? Event(from: decoder) }
    }

    /// The longest text that is kept of a server's answer, in characters.
    private static let longestDetail = 500

    static func read(_ request: Request) throws -> [DeliveryReport] {
        let events = (try? JSON.decode([Lenient].self, from: request.body)) ?? []
        return events.compactMap { element in
            guard let event = element.event, let id = event.notification.flatMap(UUID.init(uuidString:)), let delivery = delivery(event.event) else { return nil }
            let said = [event.type == "blocked" ? "blocked" : event.event, event.reason].compactMap(\.self).joined(separator: ": ")
            // A PostgreSQL text cannot contain NUL.
            let detail = String("SendGrid: \(said)".replacing("\u{0}", with: "").prefix(longestDetail))
            return DeliveryReport(notification: id, delivery: delivery, detail: delivery == .delivered ? nil : detail)
        }
    }

    static func delivery(_ event: String) -> Delivery? {
        switch event {
        case "delivered": .delivered
        case "bounce", "dropped": .undelivered
        // processed, deferred, and the reader's actions.
        default: nil
        }
    }
}
