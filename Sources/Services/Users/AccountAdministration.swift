import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// Accounts as administrators find and change them.
struct AccountAdministration: Sendable {
    func list(_ items: [IncomingMessage<ListAccounts>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await Store.accounts(items.map(\.input), on: connection)
        return try zip(items, lists).map { item, accounts in
            let page = try Page(accounts.map(\.adminView), item.input.page) { PageRequest.key($0.createdAt, $0.id) }
            return .done(try Reply(json: page))
        }
    }

    func get(_ items: [IncomingMessage<GetAccount>], on connection: any SQLConnection) async throws -> [Outcome] {
        let accounts = try await Store.accounts(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let account = accounts[item.input.id] else { return .refused(.notFound("account")) }
            return .done(try Reply(tagged: account.adminView))
        }
    }

    /// A change affects requests in progress at once: the ingresses forget the account's cached sessions, and a disabled account's
    /// sessions end.
    func update(_ items: [IncomingMessage<AccountChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var accounts = try await Store.lockedAccounts(items.map(\.input.id), on: transaction)
        var disabled: [UUID] = []
        let outcomes: [Outcome] = try items.map { item in
            let change = item.input
            guard var account = accounts[change.id] else { return .refused(.notFound("account")) }
            if let condition = change.ifMatch, !condition.match(try account.adminView.tag) { return .refused(.preconditionFailed("account")) }
            // An administrator who did this by mistake to their own account might have no other administrator to undo it.
            if change.id == item.request.caller?.id, change.role == .customer || change.disabled == true { return .refused(.ownAccount) }
            if let role = change.role { account.role = role }
            if let isDisabled = change.disabled { account.disabled = isDisabled }
            accounts[change.id] = account
            if account.disabled { disabled.append(account.id) }
            return .done(try Reply(tagged: account.adminView), emit: [try .sessionRevoked(account.id)])
        }
        try await Store.saveStanding(Array(accounts.values), on: transaction)
        if !disabled.isEmpty { try await transaction.enqueue("DELETE FROM sessions WHERE user_id = ANY(\(disabled))") }
        return outcomes
    }
}

extension AccountRow {
    var adminView: AccountView {
        AccountView(
            id: id, email: email, name: name, locale: locale, role: role, verified: verified, disabled: disabled, createdAt: createdAt)
    }
}

extension Problem {
    static let ownAccount = conflict("own-account", "Administrators neither disable nor demote themselves; another administrator can.")
}

extension Store {
    /// One list per query, newest first, one account longer than its page.
    static func accounts(_ lists: [ListAccounts], on connection: any SQLConnection) async throws -> [[AccountRow]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql = accountColumns + "WHERE true"
                if let search = list.search {
                    // In byte order, which is that of the index: all addresses with this prefix.
                    let key = EmailAddress.key(of: search)
                    let last = key + "\u{10FFFF}"
                    var found: SQL = "email_key ~>=~ \(key) AND email_key ~<~ \(last)"
                    if let words = list.words { found += " OR to_tsvector('simple', name) @@ to_tsquery('simple', \(words))" }
                    sql += " AND (\(found))"
                }
                if let after = list.after { sql += " AND (created_at, id) < (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at DESC, id DESC LIMIT \(list.page.limit + 1)"
            })
        return try results.map { try $0.map(account) }
    }

    static func saveStanding(_ accounts: [AccountRow], on transaction: any SQLConnection) async throws {
        guard !accounts.isEmpty else { return }
        try await transaction.enqueue(
            """
            UPDATE accounts SET role = new.role, disabled = new.disabled
            FROM unnest(\(accounts.map(\.id)), \(accounts.map(\.role.rawValue)), \(accounts.map(\.disabled))) AS new (id, role, disabled)
            WHERE accounts.id = new.id
            """)
    }
}

struct ListAccounts: Sendable {
    /// The beginning of an e-mail address, or beginnings of words of a name.
    let search: String?
    let page: PageRequest
    let after: (Date, UUID)?

    /// `'ada':* & 'lov':*`, quoted, because in Swift an operator may be part of the preceding character. Nil where the search has no word, or can only be an
    /// address.
    var words: String? {
        let words = (search ?? "").split { !$0.isLetter && !$0.isNumber }
        return words.isEmpty || search?.contains("@") == true ? nil : words.map(Self.beginning).joined(separator: " & ")
    }

    private static func beginning(_ word: Substring) -> String {
        var quoted = String.UnicodeScalarView("'".unicodeScalars)
        for scalar in word.unicodeScalars {
            if scalar == "'" || scalar == "\\" { quoted.append(scalar) }
            quoted.append(scalar)
        }
        return String(quoted) + "':*"
    }

    static func read(_ request: Request) throws -> ListAccounts {
        try Fields.read(request) { fields in
            let text = fields.optionalParameter("search", 1...EmailAddress.maximumLength)?.trimmingCharacters ?? ""
            let search = text.isEmpty ? nil : text
            let page = fields.page(of: search)
            return ListAccounts(search: search, page: page, after: fields.position(page))
        }
    }
}

struct GetAccount: Sendable {
    let id: UUID

    static func read(_ request: Request) throws -> GetAccount {
        try Fields.read(request) { GetAccount(id: try $0.uuidParameter("id", of: "account")) }
    }
}

struct AccountChange: Sendable {
    let id: UUID
    let role: Caller.Role?
    let disabled: Bool?
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> AccountChange {
        try Fields.read(request) { fields in
            let id = try fields.uuidParameter("id", of: "account")
            fields.refuseNull("role", "disabled")
            let role = fields.has("role") ? Caller.Role(rawValue: fields.choice("role", ["customer", "admin"])) : nil
            return AccountChange(id: id, role: role, disabled: fields.optionalBoolean("disabled"), ifMatch: fields.ifMatch())
        }
    }
}

extension String {
    fileprivate var trimmingCharacters: String {
        var view = self[...]
        while view.first?.isWhitespace == true { view = view.dropFirst() }
        while view.last?.isWhitespace == true { view = view.dropLast() }
        return String(view)
    }
}
