import Orders

extension AuditedOrder {
    private static let confirmed = "orderConfirmed"
    private static let rejected = "orderRejected"

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
        var wrong: [Finding] = []
        if kinds.contains(other) { wrong.append(finding(.notifications, "is \(saga?.phase ?? ""), and its customer was told \(other)")) }
        if !kinds.contains(due), !hasDeadNews {
            wrong.append(finding(.notifications, "is \(saga?.phase ?? ""), and its customer was not told \(due)", awaits: .notifications))
        }
        return wrong
    }
}
