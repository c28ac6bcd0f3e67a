import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// Verification that an account's address belongs to its owner: that of a new account, and the target of an address change.
struct EmailVerifications: Sendable {
    let links: Links
    let clock: any WallClock

    /// Sends the mail again.
    func create(_ items: [IncomingMessage<Own>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let accounts = try await Store.lockedAccounts(items.map(\.input.userID), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard let account = accounts[item.input.userID], !account.disabled else {
                outcomes.append(.refused(.notFound("account")))
                continue
            }
            if account.verified {
                outcomes.append(.refused(.conflict("already-verified", "The account's e-mail address is verified already.")))
            } else if let mail = try await links.request(.emailVerification, of: account, to: account.email, on: transaction) {
                outcomes.append(.done(Reply(status: 202), emit: [mail]))
            } else {
                outcomes.append(.done(.tooManyMails))
            }
        }
        return outcomes
    }

    func confirm(_ items: [IncomingMessage<LinkToken>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var (links, accounts) = try await Store.lockedLinks(
            items.map(\.input.hash), for: [.emailVerification, .emailChange], now: now, on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard let link = links.removeValue(forKey: item.input.hash), let account = accounts[link.userID], !account.disabled else {
                outcomes.append(.refused(.linkEnded))
                continue
            }
            switch link.purpose {
            case .emailVerification:
                // A link sent to an address that the account no longer has proves nothing.
                guard EmailAddress.key(of: link.email) == EmailAddress.key(of: account.email) else {
                    outcomes.append(.refused(.linkEnded))
                    continue
                }
            case .emailChange, .passwordReset:
                guard try await Store.setEmail(link.email, of: account.id, on: transaction) else {
                    outcomes.append(.refused(.emailTaken))
                    continue
                }
                // The codes that went to the old address are void.
                try await Store.endLinks([.emailVerification, .passwordReset], of: [account.id], now: now, on: transaction)
            }
            try await Store.setVerified(account.id, on: transaction)
            try await Store.endLinks([link.purpose], of: [account.id], now: now, on: transaction)
            // Sessions stay; cached ones have the old address.
            outcomes.append(.done(.noContent, emit: [try .sessionRevoked(account.id)]))
        }
        return outcomes
    }
}

/// The token of a link, by its hash: the token itself stays at the ingress.
struct LinkToken: Sendable {
    let hash: [UInt8]

    static func read(_ request: Request) throws -> LinkToken {
        try Fields.read(request) { LinkToken(hash: try $0.linkToken()) }
    }
}

extension Fields {
    func linkToken() throws(Problem) -> [UInt8] {
        var fields = self
        guard let hash = fields.optionalParameter("token").flatMap(TokenHash.decode) else { throw .linkEnded }
        return hash
    }
}

extension Reply {
    static let tooManyMails = Reply(.tooManyMails, headers: ["retry-after": "\(Int(Store.linkWindow.rounded()))"])
}

extension OutgoingMessage {
    /// Makes caches of this user's sessions ask again.
    static func sessionRevoked(_ userID: UUID) throws -> OutgoingMessage {
        try OutgoingMessage(.broadcast(MessageName.sessionRevoked), SessionRevoked(userID: userID))
    }
}

extension Problem {
    static let emailTaken = Problem.conflict("email-taken", "There is an account for this e-mail address already.")
}
