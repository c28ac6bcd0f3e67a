import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// The caller's own account.
struct Profile: Sendable {
    func get(_ items: [IncomingMessage<Own>], on connection: any SQLConnection) async throws -> [Outcome] {
        let accounts = try await Store.accounts(items.map(\.input.userID), on: connection)
        return try items.map { item in
            guard let account = accounts[item.input.userID], !account.disabled else {
                return .refused(.notFound("account"))
            }
            return .done(try Reply(tagged: account.view))
        }
    }

    func update(_ items: [IncomingMessage<ProfileChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var accounts = try await Store.lockedAccounts(items.map(\.input.userID), on: transaction)
        let outcomes: [Outcome] = try items.map { item in
            let change = item.input
            guard var account = accounts[change.userID], !account.disabled else { return .refused(.notFound("account")) }
            if let condition = change.ifMatch, !condition.match(try account.view.tag) { return .refused(.preconditionFailed("profile")) }
            if let name = change.name { account.name = name }
            if let locale = change.locale { account.locale = locale }
            let preferences = ChannelPreferences(email: change.email ?? account.preferences.email, sms: change.sms ?? account.preferences.sms)
            var news: [OutgoingMessage] = []
            if preferences != account.preferences {
                (account.preferences, account.preferencesRevision) = (preferences, account.preferencesRevision + 1)
                let message = SetPreferences(userID: account.id, preferences: preferences, revision: account.preferencesRevision)
                news.append(try OutgoingMessage(.request(MessageName.setPreferences), message))
            }
            accounts[change.userID] = account
            return .done(try Reply(tagged: account.view), emit: news)
        }
        try await Store.saveProfiles(Array(accounts.values), on: transaction)
        return outcomes
    }
}

struct ProfileChange: Sendable {
    let userID: UUID
    let name: String?
    /// `.some(nil)` clears it.
    let locale: String??
    /// Whether to notify by this channel; nil leaves the setting as it is.
    let email: Bool?
    let sms: Bool?
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> ProfileChange {
        try Fields.read(request) { fields in
            let userID = try callerID(of: request)
            fields.refuseNull("name", "notifications")
            let name = fields.has("name") ? fields.text("name", NewAccount.nameLength) : nil
            var locale: String??
            if fields.clears("locale") {
                locale = .some(nil)
            } else if let text = fields.optionalText("locale", LanguageTag.length) {
                if !LanguageTag.isValid(text) { fields.note("locale", LanguageTag.expectation) }
                locale = text
            }
            let channels = fields.optionalObject("notifications") { channels in
                channels.refuseNull("email", "sms")
                return (email: channels.optionalBoolean("email"), sms: channels.optionalBoolean("sms"))
            }
            return ProfileChange(userID: userID, name: name, locale: locale, email: channels?.email, sms: channels?.sms, ifMatch: fields.ifMatch())
        }
    }
}

extension Encodable {
    /// The entity tag of the value's representation.
    var tag: String {
        get throws { Reply.entityTag(of: try JSON.encode(self)) }
    }
}

extension Problem {
    static func preconditionFailed(_ what: String) -> Problem {
        Problem("precondition-failed", title: "Precondition failed", status: 412, detail: "The \(what) has changed since it was read.")
    }
}
