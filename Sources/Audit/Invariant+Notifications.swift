import Assembly
import FoundationEssentials
import Notifications
import Orders

extension AuditedOrder {
    private static let confirmed = NotificationKind.orderConfirmed.rawValue
    private static let rejected = NotificationKind.orderRejected.rawValue
    private static let cancelled = NotificationKind.orderCancelled.rawValue
    /// How long the notification of an ended order may be late before that is a violation, even while it waits on the retry ladder: by then five
    /// attempts have failed, so the mail server is down or refuses. In seconds.
    private static let longestSilence = 300.0
    /// How long, in seconds, the first attempt may take before the notification is reported as waiting.
    private static let longestAttempt = 10.0

    /// The channel that carries news about every order; others do so only if the customer has given a number.
    private static let mail = "email"

    /// The order's end is announced once by each channel. No other end is announced, except the confirmation of an order that was later cancelled or taken back.
    /// Each parcel, delivery, return and refund is also announced once.
    var notificationFindings: [Finding] {
        struct Announcement: Hashable { let kind, channel: String }
        // Each parcel, refund and return is announced.
        let ends = notifications.filter { [Self.confirmed, Self.rejected, Self.cancelled].contains($0.kind) }
        let counts = Dictionary(ends.map { (Announcement(kind: $0.kind, channel: $0.channel), 1) }, uniquingKeysWith: +)
        var wrong = counts.filter { $0.value > 1 }.sorted { $0.key.kind < $1.key.kind }.map { key, count in
            finding(.notifications, "sent \(key.kind) \(count) times by \(key.channel)")
        }
        let kinds = Set(notifications.map(\.kind))
        switch saga?.fate {
        case .sold: wrong += endFindings(kinds, Self.confirmed, never: [Self.rejected, Self.cancelled])
        case .givenUp: wrong += endFindings(kinds, Self.rejected, never: isTakenBack ? [Self.cancelled] : [Self.confirmed, Self.cancelled])
        // It may have been confirmed before.
        case .cancelled: wrong += endFindings(kinds, Self.cancelled, never: [Self.rejected])
        case .open, nil: break
        }
        return wrong + stepFindings
    }

    /// Whether it may have been confirmed before its reservation was found to be gone. An order that was short of stock from the beginning was never charged.
    private var isTakenBack: Bool { saga?.reason == "outOfStock" && charge != nil }

    private var stepFindings: [Finding] {
        let fulfilment = fulfilment ?? AuditedFulfilment()
        let decided = fulfilment.returns.map(\.state)
        let refused = decided.count { $0 == "refused" }
        let requested = decided.count { $0 == "requested" }
        var due: [(kind: NotificationKind, count: Int)] = [
            (.orderShipped, fulfilment.parcels), (.orderDelivered, fulfilment.isDelivered ? 1 : 0), (.returnRequested, decided.count), (.returnRefused, refused),
            (.returnApproved, decided.count - refused - requested),
        ]
        // An order that is given up announces its refunds in the notification of its end.
        if saga?.fate == .sold { due.append((.orderRefunded, fulfilment.refunds)) }
        return due.flatMap { stepFindings($0.kind.rawValue, $0.count) }
    }

    private func stepFindings(_ kind: String, _ due: Int) -> [Finding] {
        let news = notifications.filter { $0.kind == kind }
        var wrong: [Finding] = []
        for (channel, sent) in Dictionary(grouping: news, by: \.channel).sorted(by: { $0.key < $1.key }) where sent.count > due {
            wrong.append(finding(.notifications, "sent \(kind) \(sent.count) times by \(channel), where \(due) were due"))
        }
        if hasDeadStepNews { return wrong }
        let mails = news.count { $0.channel == Self.mail }
        if mails < due { wrong.append(late("was sent \(kind) \(mails) times by mail, where \(due) were due")) }
        for notification in news where notification.result != "sent" {
            let reason = notification.detail.map { ": \($0)" } ?? ""
            wrong.append(late("had a \(kind) that was not sent by \(notification.channel) (\(notification.result))\(reason)"))
        }
        return wrong
    }

    private func endFindings(_ kinds: Set<String>, _ due: String, never others: [String]) -> [Finding] {
        let phase = saga?.phase ?? ""
        var wrong: [Finding] = []
        for other in others where kinds.contains(other) { wrong.append(finding(.notifications, "is \(phase), but \(other) was sent")) }
        if hasDeadNews { return wrong }
        if !kinds.contains(due) {
            wrong.append(late("is \(phase), but \(due) was not sent"))
        }
        for notification in notifications where notification.kind == due && notification.result != "sent" {
            let reason = notification.detail.map { ": \($0)" } ?? ""
            wrong.append(late("is \(phase), but its \(notification.channel) was not sent (\(notification.result))\(reason)"))
        }
        return wrong
    }

    /// Notifications that have been under way for too long without a result of their first attempt: a server is silent, or no worker runs.
    func unansweredNotifications(at now: Date) -> [WaitingNotifications] {
        guard !hasDeadNews else { return [] }
        return notifications.filter { $0.result == "pending" && $0.detail == nil && now.timeIntervalSince($0.createdAt) > Self.longestAttempt }.map {
            WaitingNotifications(channel: $0.channel, count: 1, since: $0.createdAt, reason: "no attempt has ended yet")
        }
    }

    private func late(_ sentence: String) -> Finding {
        finding(.notifications, sentence, awaits: .notifications, longestWait: Self.longestSilence)
    }
}
