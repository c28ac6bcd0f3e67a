import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Turns an event into a mail that was sent: recorded before, so that a stuck mail is visible, and again after.
///
/// A crash between sending and recording sends the mail again, under the same Message-ID, by which mail servers and readers recognise it.
struct Delivering: Sendable {
    static let maximumConcurrentSends = 8
    static let channel = "email"
    private static let namespace = UUID(uuid: (0x6f, 0x1c, 0x9b, 0x52, 0x0d, 0x3e, 0x4b, 0x7a, 0x9a, 0x41, 0x7e, 0x55, 0xc0, 0x28, 0x61, 0xd4))

    let transport: any MailTransport
    let sender: MailAddress
    let clock: any WallClock

    enum Sent: Sendable {
        /// By an earlier message.
        case sentBefore
        case sent
        case failed(MailError)
    }

    /// Nil where there is nothing left to send.
    typealias Plan = Mail?

    static func id(of kind: NotificationKind, order: UUID) -> UUID {
        let name = "\(order.upperCaseText) \(kind.rawValue) \(channel)"
        // In the order of the orders, where their ids have one.
        return order.time.map { .v8(at: $0, namespace: namespace, name: name) } ?? .v5(namespace: namespace, name: name)
    }

    func note(_ items: [IncomingMessage<OrderNews>], on transaction: any SQLConnection) async throws -> [Plan] {
        let now = clock.now()
        let notifications = items.map(\.input).map { news in
            NewNotification(
                id: Self.id(of: news.kind, order: news.order.orderID), orderID: news.order.orderID, userID: nil, kind: news.kind.rawValue,
                channel: Self.channel, recipient: news.recipient.address)
        }
        let noted = try await Store.note(notifications, now: now, on: transaction)
        return zip(items, notifications).map { item, notification in
            guard let standing = noted[notification.id], !standing.isSent else { return nil }
            let wording = Wording(item.input)
            return Mail(
                id: notification.id, sender: sender, recipient: item.input.recipient, subject: wording.subject,
                text: wording.text, html: wording.html, date: standing.createdAt)
        }
    }

    func send(_ prepared: [(item: IncomingMessage<OrderNews>, plan: Plan)]) async throws -> [Sent] {
        var results = [Sent](repeating: .sentBefore, count: prepared.count)
        // Two messages may be about one event: the first one's mail is enough.
        var open: [UUID: [Int]] = [:]
        for (index, entry) in prepared.enumerated() {
            if let mail = entry.plan { open[mail.id, default: []].append(index) }
        }
        let places = open.values.sorted { $0[0] < $1[0] }
        let sent = try await places.concurrentMap(limit: Self.maximumConcurrentSends) { indices in
            guard let mail = prepared[indices[0]].plan else { return Sent.sentBefore }
            return try await send(mail)
        }
        for (indices, result) in zip(places, sent) {
            for index in indices { results[index] = result }
        }
        return results
    }

    private func send(_ mail: Mail) async throws -> Sent {
        do throws(MailError) {
            try await transport.send(mail)
            return .sent
        } catch {
            try Task.checkCancellation()
            return .failed(error)
        }
    }

    /// A mail that did not leave is recorded with the reason, and its event goes to the retry ladder or, when another attempt is pointless, to the dead
    /// letters: there it waits until an administrator fixes the cause and replays it.
    func record(
        _ performed: [(item: IncomingMessage<OrderNews>, plan: Plan, result: Sent)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts: [UUID: Store.Attempt] = [:]
        for case (_, let mail?, let result) in performed {
            switch result {
            case .sentBefore: continue
            case .sent: attempts[mail.id] = .sent
            case .failed(let error): attempts[mail.id] = Store.Attempt(error)
            }
        }
        try await Store.record(attempts, now: clock.now(), on: transaction)
        return performed.map { entry in
            switch entry.result {
            case .sentBefore: .done(note: "mail sent before")
            case .sent: .done(note: "mail sent")
            case .failed(let error): .failed(Failure(error))
            }
        }
    }
}

extension Failure {
    init(_ error: MailError) {
        switch error.reason {
        case .refused: self.init("mail-refused", error.message)
        case .denied: self.init("mail-denied", error.message, remedy: .retry)
        case .unavailable: self.init("mail-not-sent", error.message, remedy: .retry)
        }
    }
}
