import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// All that is held about a customer, from every service.
struct Export: Sendable {
    /// For each of the other services; past this the export is refused rather than incomplete.
    static let timeout: Duration = .seconds(3)
    /// Lists of the account itself have bounds of their own, and fit a page.
    static let page = PageRequest(limit: PageRequest.maximumLimit, after: nil)

    let ask: RequestClient.Ask
    let clock: any WallClock
    let randomness: any Randomness

    func export(_ items: [IncomingMessage<Own>], _ database: any Database) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try await export(item.input.userID, database)) }
        return outcomes
    }

    private struct Held: Sendable {
        let account: AccountRow
        let sessions: [SessionView]
        let addresses: [AddressView]
    }

    private func export(_ user: UUID, _ database: any Database) async throws -> Outcome {
        let now = clock.now()
        let own: Held? = try await database.withConnection { connection in
            guard let account = try await Store.accounts([user], on: connection)[user] else { return nil }
            let sessions = try await Store.sessions([ListSessions(userID: user, current: nil, page: Self.page, after: nil)], now: now, on: connection)
            let addresses = try await Store.addresses([ListAddresses(userID: user, page: Self.page, after: nil)], on: connection)
            return Held(account: account, sessions: sessions.flatMap(\.self), addresses: addresses.flatMap(\.self))
        }
        guard let own else { return .refused(.notFound("account")) }
        let customer = Customer(userID: user)
        async let carts = answer(MessageName.exportFromCarts, customer)
        async let methods = answer(MessageName.exportFromPayments, customer)
        let orders = try await answer(MessageName.exportFromOrders, customer)
        let notifications = try await answer(
            MessageName.exportFromNotifications, NotificationsOfCustomer(userID: user, orders: orders.map(Self.ids) ?? []))
        guard let carts = try await carts, let methods = try await methods, let orders, let notifications else {
            return .refused(.unavailable("Not every service answers at the moment, and an export is complete or none."))
        }
        let view = ExportView(
            exportedAt: now, account: own.account.view, sessions: own.sessions, addresses: own.addresses, carts: carts, orders: orders,
            notifications: notifications, paymentMethods: methods)
        return .done(try Reply(json: view))
    }

    /// Nil when the service does not answer, or not with what was asked for.
    private func answer(_ operation: String, _ body: some Encodable & Sendable) async throws -> JSONValue? {
        try await RequestClient.answer(to: body, operation, id: randomness.uuid(), within: Self.timeout, by: ask)
    }

    private static func ids(_ orders: JSONValue) -> [UUID] {
        guard case .array(let orders) = orders else { return [] }
        return orders.compactMap { order in
            guard case .object(let members) = order, case .string(let id)? = members["id"] else { return nil }
            return UUID(text: id)
        }
    }
}

struct ExportView: Sendable, Encodable {
    let exportedAt: Date
    let account: UserView
    let sessions: [SessionView]
    let addresses: [AddressView]
    let carts: JSONValue
    let orders: JSONValue
    let notifications: JSONValue
    let paymentMethods: JSONValue
}
