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
    /// The notification that it repeats, in lower case, and the administrator who has requested that.
    var repeats: String?
    var requestedBy: String?
    /// Nil until its carrier reports something, which not every carrier does.
    var delivery: Receipt?
    /// Nil while nothing is known against the recipient's address.
    var unreachable: Unreachable?

    struct Receipt: Sendable, Codable, Equatable {
        /// `delivered` or `undelivered`.
        let state: String
        let detail: String?
        let at: Date
    }

    /// The address refused a message, or a message did not arrive there.
    struct Unreachable: Sendable, Codable, Equatable {
        /// `refused` or `undelivered`.
        let cause: String
        let detail: String
        let since: Date
    }
}
