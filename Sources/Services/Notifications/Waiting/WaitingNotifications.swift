import Contracts
public import FoundationEssentials

/// The notifications of one channel that could not be sent yet, and are tried again.
public struct WaitingNotifications: Sendable, Equatable, Codable {
    public let channel: String
    public let count: Int
    /// When the oldest of them was due.
    public let since: Date
    /// Why the latest attempt did not succeed.
    public let reason: String

    public init(channel: String, count: Int, since: Date, reason: String) {
        self.channel = channel
        self.count = count
        self.since = since
        self.reason = reason
    }

    /// Of a server's answer, which may be long.
    private static let maximumReason = 240

    /// For operators, on one line.
    public var text: String {
        let reason = String(reason.unicodeScalars.map { $0.isControl ? " " : Character($0) }.prefix(Self.maximumReason))
        let subject = count == 1 ? "1 notification by \(channel) waits" : "\(count) notifications by \(channel) wait"
        return "\(subject) since \(since.ISO8601Format()): \(reason)"
    }

    /// By channel: of two lists that share no notification.
    public static func merged(_ first: [Self], _ second: [Self]) -> [Self] {
        let merged = Dictionary(first.map { ($0.channel, $0) }, uniquingKeysWith: { first, _ in first }).merging(second.map { ($0.channel, $0) }) { one, other in
            Self(channel: one.channel, count: one.count + other.count, since: min(one.since, other.since), reason: one.reason)
        }
        return merged.values.sorted { $0.channel < $1.channel }
    }
}
