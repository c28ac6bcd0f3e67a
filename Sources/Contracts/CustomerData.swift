import FoundationEssentials

/// What services tell each other when a customer deletes the account, or asks what is held about them.
///
/// Where a service holds something about a person is written once, in the file of that service that both erases and exports it (`Customers.swift`).
public struct Customer: Sendable, Codable {
    public let userID: UUID

    public init(userID: UUID) { self.userID = userID }
}

/// `notifications.orders.erase`: these orders no longer say whose they are.
public struct ErasedOrders: Sendable, Codable {
    public let orders: [UUID]

    public init(orders: [UUID]) { self.orders = orders }
}

/// `users.erasures.advance`: a service has erased what it held about this customer, or will in its own time.
public struct CustomerErased: Sendable, Codable {
    public let userID: UUID
    public let service: String

    public init(userID: UUID, service: String) {
        self.userID = userID
        self.service = service
    }
}

/// `notifications.customers.export`.
public struct NotificationsOfCustomer: Sendable, Codable {
    public let userID: UUID
    public let orders: [UUID]

    public init(userID: UUID, orders: [UUID]) {
        self.userID = userID
        self.orders = orders
    }
}

/// Placeholders for a customer's erased data, in the form of the originals.
public enum Erased {
    public static let text = "(deleted)"
    /// No mail can be delivered there (RFC 2606).
    public static let email = "deleted@customer.invalid"
}
