import Assembly
import Orders

extension AuditedOrder {
    private static let confirmed = "orderConfirmed"
    private static let rejected = "orderRejected"
    /// How long a customer may wait for the news of an ended order before that is a violation, even while it waits on the retry ladder: by then five
    /// attempts have failed, so the mail server is away or refuses. In seconds.
    private static let longestSilence = 300.0

    /// Told once by each channel, of its end, and of no other end.
    var notificationFindings: [Finding] {
        struct Told: Hashable { let kind, channel: String }
        let told = Dictionary(notifications.map { (Told(kind: $0.kind, channel: $0.channel), 1) }, uniquingKeysWith: +)
        var wrong = told.filter { $0.value > 1 }.sorted { $0.key.kind < $1.key.kind }.map { key, count in
            finding(.notifications, "was told \(count) times of \(key.kind) by \(key.channel)")
        }
        let kinds = Set(notifications.map(\.kind))
        switch saga?.fate {
        case .sold: wrong += endFindings(kinds, Self.confirmed, never: Self.rejected)
        case .givenUp: wrong += endFindings(kinds, Self.rejected, never: Self.confirmed)
        case .open, nil: break
        }
        return wrong
    }

    private func endFindings(_ kinds: Set<String>, _ due: String, never other: String) -> [Finding] {
        let phase = saga?.phase ?? ""
        var wrong: [Finding] = []
        if kinds.contains(other) { wrong.append(finding(.notifications, "is \(phase), and its customer was told \(other)")) }
        if hasDeadNews { return wrong }
        if !kinds.contains(due) {
            wrong.append(late("is \(phase), and its customer was not told \(due)"))
        }
        for notification in notifications where notification.kind == due && notification.result != "sent" {
            let reason = notification.detail.map { ": \($0)" } ?? ""
            wrong.append(late("is \(phase), and its \(notification.channel) has not left (\(notification.result))\(reason)"))
        }
        return wrong
    }

    private func late(_ sentence: String) -> Finding {
        finding(.notifications, sentence, awaits: .notifications, longestWait: Self.longestSilence)
    }
}
