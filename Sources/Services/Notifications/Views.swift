import Contracts
import FoundationEssentials

struct NotificationView: Sendable, Codable {
    @PublicID var id: UUID
    /// In lower case; nil for a notification about an account.
    let orderId: String?
    let kind: String
    let channel: String
    let recipient: String
    /// `pending`, `sent`, or `failed`: permanently rejected, and among the dead letters.
    let result: String
    /// Why the last attempt did not succeed.
    let detail: String?
    let createdAt: Date
    let sentAt: Date?
}
