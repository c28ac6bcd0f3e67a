import Contracts
import FoundationEssentials

/// A page of a gateway's payments.
public struct GatewayPage: Sendable {
    public let payments: [GatewayPayment]
    /// Where the next page begins; nil on the last one.
    public let next: String?

    public init(payments: [GatewayPayment], next: String?) {
        self.payments = payments
        self.next = next
    }
}

/// Where a scan of a gateway's events begins.
public enum EventStart: Sendable, Equatable {
    /// With the oldest event since then.
    case since(Date)
    /// With the event that follows this one.
    case after(String)
}

/// A page of a gateway's events.
public struct GatewayEventPage: Sendable {
    /// An event with the message that its webhook would have been.
    public struct Entry: Sendable {
        public let event: GatewayEvent
        public let at: Date
        /// The message in the form that the operation for the gateway's webhooks reads.
        public let body: [UInt8]

        public init(event: GatewayEvent, at: Date, body: [UInt8]) {
            self.event = event
            self.at = at
            self.body = body
        }
    }

    public let entries: [Entry]
    public let hasMore: Bool

    public init(entries: [Entry], hasMore: Bool) {
        self.entries = entries
        self.hasMore = hasMore
    }
}
