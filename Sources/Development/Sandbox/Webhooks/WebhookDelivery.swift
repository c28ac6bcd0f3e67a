/// An event on its way to the webhook.
struct WebhookDelivery: Sendable, Equatable {
    let eventID: String
    let body: [UInt8]
    /// The number of failed attempts.
    var failures = 0
}

/// When a failed delivery is sent again: after 1 s, 2 s, 4 s and so on, at most 60 s, less a random part of up to a
/// half; after 20 attempts it is dropped.
struct DeliveryRetry: Sendable {
    static let maximumAttempts = 20
    static let firstDelaySeconds = 1.0
    static let maximumDelaySeconds = 60.0

    /// nil gives up. `jitter` is 0 to 1.
    static func delay(afterFailures failures: Int, jitter: Double) -> Duration? {
        guard failures < maximumAttempts else { return nil }
        var seconds = firstDelaySeconds
        for _ in 1..<max(failures, 1) { seconds = min(seconds * 2, maximumDelaySeconds) }
        return .seconds(seconds * (1 - jitter / 2))
    }
}
