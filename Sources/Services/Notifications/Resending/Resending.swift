import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Sends a notification about an order again at an administrator's request: once for each request, recorded as a notification of its own with the administrator's name.
///
/// Texts are not stored: orders returns the current news, which is sent to the order's current address. Only that answer names the addressee, so a first message finds the
/// addressee, and a second one sends, unless the addressee has turned the news off.
struct Resending: Sendable {
    /// Timeout for orders to answer; after this the notification waits.
    static let timeout: Duration = .seconds(2)

    let delivering: Delivering
    let ask: RequestClient.Ask
    let randomness: any Randomness

    // MARK: The request

    func request(_ items: [IncomingMessage<ResendNotification>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let found = try await Store.find(items.map(\.input.id), on: transaction)
        var repetitions: [Repetition] = []
        let outcomes: [Outcome] = try items.map { item in
            guard let original = found[item.input.id] else { return .refused(.notFound("notification")) }
            if let problem = original.problemOfRepeating { return .refused(problem) }
            let id = UUID.v5(namespace: item.request.id, name: "resend")
            var view = NotificationView(
                id: id, orderId: original.orderId, kind: original.kind, channel: original.channel, recipient: original.recipient, result: "pending", detail: nil,
                createdAt: delivering.clock.now(), sentAt: nil)
            // For a repetition, the first notification: it names the parcel or the refund.
            view.repeats = original.repeats ?? original.id.lowerCaseText
            view.requestedBy = item.input.actor
            repetitions.append(Repetition(view))
            let message = try OutgoingMessage(.request(MessageName.resendNotification), ResendRequest(notificationID: id))
            return .done(try Reply(status: 202, json: view), emit: [message])
        }
        try await ResendStore.add(repetitions, on: transaction)
        return outcomes
    }

    // MARK: The sending

    enum Plan: Sendable {
        /// Sent before, or erased.
        case settled
        case unwanted(UUID, String)
        /// The addressee whose choices were read; nil if it is not known yet.
        case send(Repetition, to: Addressee?)
    }

    enum Sent: Sendable {
        case settled
        /// Another message has to send it to this addressee.
        case addressed(UUID, Addressee)
        case sent(Delivering.Planned, Delivering.Sent)
        /// There is nothing to send any more.
        case pointless(UUID, String)
        case failed(Failure)
    }

    func find(_ items: [IncomingMessage<ResendRequest>], on transaction: any SQLConnection) async throws -> [Plan] {
        let found = try await Store.find(items.map(\.input.notificationID), on: transaction)
        let open = items.map { item -> Repetition? in
            guard let view = found[item.input.notificationID], view.result == "pending", view.recipient != Erased.email else { return nil }
            return Repetition(view)
        }
        let addressed = zip(items, open).compactMap { item, repetition -> (kind: NotificationKind, channel: String, to: Addressee)? in
            guard let repetition, let kind = NotificationKind(rawValue: repetition.kind), let addressee = item.input.addressee else { return nil }
            return (kind, repetition.channel, addressee)
        }
        let optOuts = try await OptOuts.read(addressed, on: transaction)
        return zip(items, open).map { item, repetition in
            guard let repetition else { return .settled }
            if let kind = NotificationKind(rawValue: repetition.kind), let addressee = item.input.addressee,
                let reason = optOuts.reason(against: kind, by: repetition.channel, to: addressee)
            {
                return .unwanted(repetition.id, reason)
            }
            return .send(repetition, to: item.input.addressee)
        }
    }

    func send(_ items: [(item: IncomingMessage<ResendRequest>, plan: Plan)]) async throws -> [Sent] {
        let silence = SilentChannels()
        return try await items.concurrentMap(limit: Delivering.maximumConcurrentSends) { item in
            switch item.plan {
            case .settled: return .settled
            case .unwanted(let id, let reason): return .pointless(id, reason)
            case .send(let repetition, let addressee): return try await send(repetition, to: addressee, unless: silence)
            }
        }
    }

    private func send(_ repetition: Repetition, to known: Addressee?, unless silence: SilentChannels) async throws -> Sent {
        guard let kind = NotificationKind(rawValue: repetition.kind), let order = repetition.order,
            let channel = delivering.channels.first(where: { $0.name == repetition.channel })
        else { return .pointless(repetition.id, "this shop no longer sends \(repetition.kind) by \(repetition.channel)") }
        guard let bodies = try await news(kind, of: order) else { return .failed(Failure("orders-away", "orders did not answer", remedy: .retry)) }
        let read = OrderNews.read(kind)
        let news = try bodies.map { body in
            try read(Request(id: repetition.id, operation: kind.event, body: try JSON.encode(body)))
        }
        let same = news.first { Delivering.id(of: kind, order: order, by: channel.name, repetition: $0.repetition) == repetition.original }
        guard let same, let recipient = channel.recipient(of: same) else { return .pointless(repetition.id, "this news no longer applies to the order") }
        let notification = OutgoingNotification(id: repetition.id, news: same, recipient: recipient, date: repetition.requestedAt)
        let planned = Delivering.Planned(channel: channel, notification: notification)
        guard planned.addressee == known else { return .addressed(repetition.id, planned.addressee) }
        delivering.ledger.begin([(repetition.id, channel.name, repetition.requestedAt)], at: delivering.clock.now())
        defer { delivering.ledger.end([repetition.id]) }
        return .sent(planned, try await delivering.send(planned, unless: silence))
    }

    /// Nil when orders does not answer.
    private func news(_ kind: NotificationKind, of order: UUID) async throws -> [JSONValue]? {
        let query = OrderNewsQuery(orderID: order, event: kind.event)
        do {
            let reply = try await ask(Request(id: randomness.uuid(), operation: MessageName.orderNews, body: try JSON.encode(query)), .query, Self.timeout)
            if reply.status == 404 { return [] }
            return reply.status == 200 ? try JSON.decode(from: reply.body) : nil
        } catch is RequestClient.Unanswered {
            return nil
        }
    }

    func record(
        _ performed: [(item: IncomingMessage<ResendRequest>, plan: Plan, result: Sent)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts: [UUID: Store.Attempt] = [:]
        var recipients: [UUID: String] = [:]
        let outcomes = try performed.map { entry -> Outcome in
            switch entry.result {
            case .settled: return .done(note: "sent before, or nothing to send")
            case .addressed(let id, let addressee):
                let message = ResendRequest(notificationID: id, addressee: addressee)
                return .done(emit: [try OutgoingMessage(.request(MessageName.resendNotification), message)])
            case .failed(let failure): return .failed(failure)
            case .pointless(let id, let reason):
                attempts[id] = .pointless(reason)
                return .done(note: reason)
            case .sent(let planned, let sent):
                let id = planned.notification.id
                if case .failed(let error) = sent { attempts[id] = Store.Attempt(error) } else { attempts[id] = .sent }
                recipients[id] = planned.notification.recipient
                return Delivering.outcome([planned], [id: sent])
            }
        }
        try await ResendStore.address(recipients, on: transaction)
        try await Store.record(attempts, now: delivering.clock.now(), on: transaction)
        delivering.ledger.recorded(Array(attempts.keys))
        return outcomes
    }
}

extension NotificationView {
    /// Why it cannot be sent again; nil if it can.
    fileprivate var problemOfRepeating: Problem? {
        if orderId == nil {
            return .conflict("not-repeatable", "Mails about accounts contain links made for that mail alone. The customer has to request a new one.")
        }
        if recipient == Erased.email { return .conflict("customer-erased", "The order's customer has been erased.") }
        if result == "pending" { return .conflict("notification-pending", "The notification is still being sent.") }
        if unreachable?.cause == ReceiptStore.Cause.optedOut.rawValue { return .conflict("opted-out", "The owner of the number has replied STOP.") }
        return nil
    }
}
