import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Turns an event into notifications that were sent, one by each channel that carries it: recorded before, so that a stuck one is visible, and again after.
///
/// A crash between sending and recording sends the notification again, under the same id, by which mail servers and readers recognise it.
struct Delivering: Sendable {
    static let maximumConcurrentSends = 8
    private static let namespace = UUID(uuid: (0x6f, 0x1c, 0x9b, 0x52, 0x0d, 0x3e, 0x4b, 0x7a, 0x9a, 0x41, 0x7e, 0x55, 0xc0, 0x28, 0x61, 0xd4))

    let channels: [any NotificationChannel]
    let ledger: SendingLedger
    let clock: any WallClock

    struct Planned: Sendable {
        let channel: any NotificationChannel
        let notification: OutgoingNotification
    }

    /// What is left to send.
    typealias Plan = [Planned]

    enum Sent: Sendable {
        case sent
        case failed(DeliveryError)
    }

    /// By the ids of the plan.
    typealias Results = [UUID: Sent]

    /// - Parameter repetition: the shipment, refund or return, where an order has several of the kind.
    static func id(of kind: NotificationKind, order: UUID, by channel: String, repetition: UUID? = nil) -> UUID {
        let name = "\(order.upperCaseText) \(kind.rawValue) \(channel)" + (repetition.map { " \($0.upperCaseText)" } ?? "")
        // In the order of the orders, where their ids have one.
        return order.time.map { .v8(at: $0, namespace: namespace, name: name) } ?? .v5(namespace: namespace, name: name)
    }

    func note(_ items: [IncomingMessage<OrderNews>], on transaction: any SQLConnection) async throws -> [Plan] {
        let now = clock.now()
        let pointless = try await pointless(items.map(\.input), now, on: transaction)
        var planned = items.map { item in
            let news = item.input
            if news.kind == .actionRequired, pointless.contains(news.orderID) { return [Planned]() }
            return channels.compactMap { channel -> Planned? in
                guard let recipient = channel.recipient(of: news) else { return nil }
                let id = Self.id(of: news.kind, order: news.orderID, by: channel.name, repetition: news.repetition)
                return Planned(channel: channel, notification: OutgoingNotification(id: id, news: news, recipient: recipient, date: now))
            }
        }
        let optOuts = try await OptOuts.read(planned.joined().map { ($0.notification.news.kind, $0.channel.name, $0.addressee) }, on: transaction)
        let unwanted = Set(planned.joined().filter { optOuts.reason(against: $0.notification.news.kind, by: $0.channel.name, to: $0.addressee) != nil }.map(\.notification.id))
        // A notification that was recorded and waited for its server must not stay listed as waiting.
        try await Store.drop(unwanted.sorted(), on: transaction)
        planned = planned.map { plan in plan.filter { !unwanted.contains($0.notification.id) } }
        let noted = try await Store.note(planned.flatMap { $0.map(\.row) }, now: now, on: transaction)
        return planned.map { plan in
            plan.compactMap { entry in
                guard let standing = noted[entry.notification.id], !standing.isSent else { return nil }
                return entry.dated(standing.createdAt)
            }
        }
    }

    /// The orders whose customers need not act any more, because it is too late or the order's end was announced, perhaps while this news waited for a server.
    private func pointless(_ news: [OrderNews], _ now: Date, on transaction: any SQLConnection) async throws -> Set<UUID> {
        let asking = news.filter { $0.kind == .actionRequired }
        if asking.isEmpty { return [] }
        let expired = asking.filter { $0.expiresAt.map { $0 <= now } ?? false }.map(\.orderID)
        let pointless = try await Store.ended(asking.map(\.orderID), on: transaction).union(expired)
        try await Store.drop(pointless.flatMap { order in channels.map { Self.id(of: .actionRequired, order: order, by: $0.name) } }, on: transaction)
        return pointless
    }

    func send(_ prepared: [(item: IncomingMessage<OrderNews>, plan: Plan)]) async throws -> [Results] {
        // Two messages may be about one event: one notification is enough.
        let open = Dictionary(
            prepared.flatMap { item, plan in plan.map { ($0.notification.id, (planned: $0, request: item.request)) } }, uniquingKeysWith: { first, _ in first })
        let requests = open.mapValues(\.request)
        let ordered = open.values.map(\.planned).sorted { $0.notification.id < $1.notification.id }
        ledger.begin(ordered.map { ($0.notification.id, $0.channel.name, $0.notification.date) }, at: clock.now())
        defer { ledger.end(ordered.map(\.notification.id)) }
        let silence = SilentChannels()
        let sent = try await ordered.concurrentMap(limit: Self.maximumConcurrentSends) { planned in
            guard let request = requests[planned.notification.id] else { return try await send(planned, unless: silence) }
            return try await request.traced { try await send(planned, unless: silence) }
        }
        let results = Dictionary(zip(ordered.map(\.notification.id), sent), uniquingKeysWith: { first, _ in first })
        return prepared.map { _, plan in
            Dictionary(plan.compactMap { entry in results[entry.notification.id].map { (entry.notification.id, $0) } }, uniquingKeysWith: { first, _ in first })
        }
    }

    func send(_ planned: Planned, unless silence: SilentChannels) async throws -> Sent {
        let (channel, id) = (planned.channel, planned.notification.id)
        let begin = clock.now()
        do throws(DeliveryError) {
            if let error = silence.error(of: channel.name) { throw error }
            try await channel.send(planned.notification)
            ledger.succeed(id)
            return .sent
        } catch {
            try Task.checkCancellation()
            silence.note(error, of: channel.name, after: clock.now().timeIntervalSince(begin))
            ledger.fail(id, error.message, at: clock.now())
            return .failed(error)
        }
    }

    /// A notification that did not leave is recorded with the reason, and its event goes to the retry ladder or, when another attempt is pointless, to the dead
    /// letters: there it waits until an administrator fixes the cause and replays it. While one channel is tried again, one that has refused is asked again too.
    func record(
        _ performed: [(item: IncomingMessage<OrderNews>, plan: Plan, result: Results)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts: [UUID: Store.Attempt] = [:]
        for (id, result) in performed.flatMap(\.result) {
            switch result {
            case .sent: attempts[id] = .sent
            case .failed(let error): attempts[id] = Store.Attempt(error)
            }
        }
        try await Store.record(attempts, now: clock.now(), on: transaction)
        ledger.recorded(Array(attempts.keys))
        return performed.map { Self.outcome($0.plan, $0.result) }
    }

    static func outcome(_ plan: Plan, _ results: Results) -> Outcome {
        var failures: [Failure] = []
        var sent: [String] = []
        for entry in plan {
            switch results[entry.notification.id] {
            case .failed(let error)?: failures.append(error.failure(of: entry.channel.noun))
            case .sent?: sent.append("\(entry.channel.noun) sent")
            case nil: break
            }
        }
        if let failure = failures.first(where: { $0.remedy == .retry }) ?? failures.first { return .failed(failure) }
        return .done(note: sent.isEmpty ? "sent before, or nothing to send" : sent.joined(separator: ", "))
    }
}

extension Delivering.Planned {
    var addressee: Addressee { Addressee(recipient: notification.recipient, customerID: notification.news.customerID) }

    fileprivate var row: NewNotification {
        NewNotification(
            id: notification.id, orderID: notification.news.orderID, userID: nil, kind: notification.news.kind.rawValue, channel: channel.name,
            recipient: notification.recipient)
    }

    fileprivate func dated(_ date: Date) -> Self {
        Self(
            channel: channel,
            notification: OutgoingNotification(id: notification.id, news: notification.news, recipient: notification.recipient, date: date))
    }
}
