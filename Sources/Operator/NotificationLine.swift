import FoundationEssentials

/// A notification, as notifications reports it.
package struct NotificationLine: Decodable, Sendable {
    package struct Delivery: Decodable, Sendable {
        package let state: String
        package let detail: String?
        package let at: Date
    }

    package struct Unreachable: Decodable, Sendable {
        package let cause: String
        package let detail: String
        package let since: Date
    }

    package let id: String
    package let orderId: String?
    package let kind: String
    package let channel: String
    package let recipient: String
    package let result: String
    package let detail: String?
    package let sentAt: Date?
    package let createdAt: Date
    package let repeats: String?
    package let requestedBy: String?
    package let delivery: Delivery?
    package let unreachable: Unreachable?
}
