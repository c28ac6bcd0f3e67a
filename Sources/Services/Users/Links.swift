import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// The purpose of a link sent by mail.
enum LinkPurpose: String, Sendable, CaseIterable {
    case emailVerification, emailChange, passwordReset

    /// Seconds.
    var lifetime: TimeInterval {
        switch self {
        case .emailVerification, .emailChange: 86_400
        case .passwordReset: 3_600
        }
    }

    var mail: AccountMail.Kind {
        switch self {
        case .emailVerification: .emailVerification
        case .emailChange: .emailChange
        case .passwordReset: .passwordReset
        }
    }
}

/// Links that prove who reads an account's mail: requested, armed with a token by the mailer, used once.
///
/// An account has one of each purpose at most, so a new one voids the old at once, even while its mail is in transit.
struct Links: Sendable {
    let clock: any WallClock
    let randomness: any Randomness

    /// The message that has the mailer send a link, once the link is stored; nil when the account has requested too many.
    func request(
        _ purpose: LinkPurpose, of account: AccountRow, to email: String, on transaction: any SQLConnection
    ) async throws -> OutgoingMessage? {
        let now = clock.now()
        let link = LinkRow(id: randomness.uuid(), userID: account.id, purpose: purpose, email: email, expiresAt: now.addingTimeInterval(purpose.lifetime))
        guard try await Store.put(link, now: now, on: transaction) else { return nil }
        return try OutgoingMessage(
            .request(MessageName.accountMail),
            AccountMail(id: link.id, userID: account.id, kind: purpose.mail, email: email, name: account.name, locale: account.locale, expiresAt: link.expiresAt))
    }

    /// The message that notifies an account's owner of something, without a link.
    func notify(_ kind: AccountMail.Kind, _ account: AccountRow) throws -> OutgoingMessage {
        try OutgoingMessage(
            .request(MessageName.accountMail), AccountMail(id: randomness.uuid(), userID: account.id, kind: kind, email: account.email, name: account.name, locale: account.locale))
    }

    /// The mailer is about to send a token with this hash.
    func arm(_ items: [IncomingMessage<ArmedLink>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let armed = try await Store.arm(items.map { ($0.input.id, $0.input.tokenHash) }, now: clock.now(), on: transaction)
        return items.map { armed.contains($0.input.id) ? .done(.noContent) : .refused(.notFound("link")) }
    }
}

struct ArmedLink: Sendable {
    let id: UUID
    let tokenHash: [UInt8]

    static func read(_ request: Request) throws -> ArmedLink {
        let message = try Operation.contract(ArmLink.self)(request)
        guard let hash = TokenHash.decode(message.tokenHash) else { throw Failure("malformed-message", "tokenHash is no SHA-256") }
        return ArmedLink(id: message.id, tokenHash: hash)
    }
}

extension Problem {
    /// One answer for tokens that never existed, have been used, have expired, or have been replaced.
    static let linkEnded = Problem(
        "link-ended", title: "Not found", status: 404, detail: "This code is not valid, or no longer valid: codes work once, for a limited time, and a new one voids the previous one.")
    static let tooManyMails = Problem(
        "too-many-mails", title: "Too many mails", status: 429, detail: "Too many mails of this kind were sent to this account; look for the last one, or try again later.")
}
