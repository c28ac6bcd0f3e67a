import Contracts
import FoundationEssentials

struct NotificationView: Sendable, Codable {
    @PublicID var id: UUID
    @PublicID var orderId: UUID
    let kind: String
    let channel: String
    let recipient: String
    /// `pending`, `sent`, or `failed` for good.
    let result: String
    let detail: String?
    let createdAt: Date
    let sentAt: Date?
}
