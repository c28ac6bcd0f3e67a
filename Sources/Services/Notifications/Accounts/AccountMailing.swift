import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Turns a message to an account's owner into a mail that was sent.
///
/// The token in a mail is generated here, anew for each attempt, and registered with users before the mail leaves. So no message and no table ever contains one, and
/// the mail may wait on the retry ladder like any other. When an attempt fails after its mail has left, the token in that mail is void, and the next one has
/// its own Message-ID, so that mail readers do not take the two for one.
struct AccountMailing: Sendable {
    /// For users to store a token's hash; after this the mail waits.
    static let timeout: Duration = .seconds(2)

    let ask: RequestClient.Ask
    let email: EmailChannel
    let ledger: SendingLedger
    let clock: any WallClock
    let randomness: any Randomness

    enum Sent: Sendable {
        /// By an earlier message.
        case sentBefore
        case sent
        /// A newer link has replaced it, or it has expired.
        case ended
        case failed(DeliveryError)
    }

    func note(_ items: [IncomingMessage<AccountNews>], on transaction: any SQLConnection) async throws -> [Store.Noted?] {
        let notifications = items.map(\.input).map { news in
            NewNotification(
                id: news.mail.id, orderID: nil, userID: news.mail.userID, kind: news.mail.kind.rawValue, channel: email.name, recipient: news.recipient.address)
        }
        let noted = try await Store.note(notifications, now: clock.now(), on: transaction)
        return notifications.map { noted[$0.id] }
    }

    func send(_ prepared: [(item: IncomingMessage<AccountNews>, plan: Store.Noted?)]) async throws -> [Sent] {
        let open = prepared.compactMap { item, noted in noted.flatMap { $0.isSent ? nil : (item.input.mail.id, email.name, $0.createdAt) } }
        ledger.begin(open, at: clock.now())
        defer { ledger.end(open.map(\.0)) }
        let silence = SilentChannels()
        return try await prepared.concurrentMap(limit: Delivering.maximumConcurrentSends) { item, noted in
            guard let noted, !noted.isSent else { return .sentBefore }
            if let error = silence.error(of: email.name) { return .failed(error) }
            let begin = clock.now()
            let sent = try await send(item.input, noted)
            if case .failed(let error) = sent {
                silence.note(error, of: email.name, after: clock.now().timeIntervalSince(begin))
                ledger.fail(item.input.mail.id, error.message, at: clock.now())
            } else {
                ledger.succeed(item.input.mail.id)
            }
            return sent
        }
    }

    private func send(_ news: AccountNews, _ noted: Store.Noted) async throws -> Sent {
        var token: String?
        if let end = news.mail.expiresAt {
            guard end > clock.now() else { return .ended }
            let made = SecureRandom.token()
            switch try await arm(news.mail.id, made) {
            case 204: token = made
            case 404: return .ended
            case let status: return .failed(DeliveryError("users answered \(status), so the link's token is not known there", .unavailable))
            }
        }
        let letter = Letter(news.mail, token: token, email.wordings, shop: email.sender.shopName)
        let id = token == nil ? news.mail.id : randomness.uuid()
        let mail = Mail(letter, id: id, notification: news.mail.id, from: email.sender, to: news.recipient, date: noted.createdAt)
        do throws(DeliveryError) {
            try await email.transport.send(mail)
            return .sent
        } catch {
            try Task.checkCancellation()
            return .failed(error)
        }
    }

    /// The status of users' answer.
    private func arm(_ link: UUID, _ token: String) async throws -> Int {
        let request = Request(
            id: randomness.uuid(), operation: MessageName.armLink, body: try JSON.encode(ArmLink(id: link, tokenHash: SHA256.hex(token))))
        do {
            return try await ask(request, .query, Self.timeout).status
        } catch is RequestClient.Unanswered {
            return 504
        }
    }

    func record(
        _ performed: [(item: IncomingMessage<AccountNews>, plan: Store.Noted?, result: Sent)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var attempts: [UUID: Store.Attempt] = [:]
        for (item, _, result) in performed {
            switch result {
            case .sentBefore: continue
            case .sent: attempts[item.input.mail.id] = .sent
            case .ended: attempts[item.input.mail.id] = .refused("the link expired before it was sent")
            case .failed(let error): attempts[item.input.mail.id] = Store.Attempt(error)
            }
        }
        try await Store.record(attempts, now: clock.now(), on: transaction)
        ledger.recorded(Array(attempts.keys))
        return performed.map { entry in
            guard case .failed(let error) = entry.result else { return .done() }
            return .failed(error.failure(of: email.noun))
        }
    }
}
