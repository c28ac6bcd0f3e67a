import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// A customer's address book.
struct Addresses: Sendable {
    /// Per account: enough for a family or a small firm, and too few to fill the table.
    static let maximum = 50

    let clock: any WallClock
    let randomness: any Randomness

    func list(_ items: [IncomingMessage<ListAddresses>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await Store.addresses(items.map(\.input), on: connection)
        return try zip(items, lists).map { item, addresses in
            let page = try Page(addresses, item.input.page) { PageRequest.key($0.createdAt, $0.id) }
            return .done(try Reply(json: page))
        }
    }

    func get(_ items: [IncomingMessage<OwnAddress>], on connection: any SQLConnection) async throws -> [Outcome] {
        let found = try await Store.addresses(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let row = found[item.input.id], row.userID == item.input.userID else { return .refused(.notFound("address")) }
            return .done(try Reply(tagged: row.view))
        }
    }

    func create(_ items: [IncomingMessage<NewAddress>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let accounts = try await Store.lockedAccounts(items.map(\.input.userID), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard accounts[item.input.userID] != nil else {
                outcomes.append(.refused(.notFound("account")))
                continue
            }
            guard try await Store.countAddresses(of: item.input.userID, on: transaction) < Self.maximum else {
                outcomes.append(.refused(.conflict("address-book-full", "An address book holds at most \(Self.maximum) addresses.")))
                continue
            }
            let view = AddressView(id: randomness.uuid(), item.input.entry, createdAt: clock.now())
            try await Store.put(view, of: item.input.userID, on: transaction)
            let headers = ["location": "/v1/users/me/addresses/\(view.id.lowerCaseText)"]
            outcomes.append(.done(try Reply(status: 201, headers: headers, tagged: view)))
        }
        return outcomes
    }

    func replace(_ items: [IncomingMessage<ReplacedAddress>], on transaction: any SQLConnection) async throws -> [Outcome] {
        _ = try await Store.lockedAccounts(items.map(\.input.address.userID), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            let (id, userID) = (item.input.address.id, item.input.address.userID)
            guard let row = try await Store.addresses([id], on: transaction)[id], row.userID == userID else {
                outcomes.append(.refused(.notFound("address")))
                continue
            }
            if let condition = item.input.address.ifMatch, !condition.match(try row.view.tag) {
                outcomes.append(.refused(.preconditionFailed("address")))
                continue
            }
            let view = AddressView(id: id, item.input.entry, createdAt: row.view.createdAt)
            try await Store.put(view, of: userID, on: transaction)
            outcomes.append(.done(try Reply(tagged: view)))
        }
        return outcomes
    }

    func delete(_ items: [IncomingMessage<OwnAddress>], on transaction: any SQLConnection) async throws -> [Outcome] {
        _ = try await Store.lockedAccounts(items.map(\.input.userID), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard let row = try await Store.addresses([item.input.id], on: transaction)[item.input.id], row.userID == item.input.userID else {
                outcomes.append(.refused(.notFound("address")))
                continue
            }
            if let condition = item.input.ifMatch, !condition.match(try row.view.tag) {
                outcomes.append(.refused(.preconditionFailed("address")))
                continue
            }
            try await Store.deleteAddress(item.input.id, on: transaction)
            outcomes.append(.done(.noContent))
        }
        return outcomes
    }
}

/// An entry as a client submits it.
struct AddressEntry: Sendable {
    static let maximumLabel = 100

    let address: Address
    let label: String?
    let isDefaultShipping: Bool
    let isDefaultBilling: Bool

    init(_ fields: inout Fields) {
        address = fields.address()
        label = fields.optionalText("label", 1...Self.maximumLabel)
        isDefaultShipping = fields.optionalBoolean("isDefaultShipping") ?? false
        isDefaultBilling = fields.optionalBoolean("isDefaultBilling") ?? false
    }
}

struct NewAddress: Sendable {
    let userID: UUID
    let entry: AddressEntry

    static func read(_ request: Request) throws -> NewAddress {
        try Fields.read(request) { fields in NewAddress(userID: try callerID(of: request), entry: AddressEntry(&fields)) }
    }
}

struct OwnAddress: Sendable {
    let userID: UUID
    let id: UUID
    let ifMatch: EntityTags?

    init(_ request: Request, _ fields: inout Fields) throws {
        userID = try callerID(of: request)
        id = try fields.uuidParameter("id", of: "address")
        ifMatch = fields.ifMatch()
    }

    static func read(_ request: Request) throws -> OwnAddress {
        try Fields.read(request) { try OwnAddress(request, &$0) }
    }
}

struct ReplacedAddress: Sendable {
    let address: OwnAddress
    let entry: AddressEntry

    static func read(_ request: Request) throws -> ReplacedAddress {
        try Fields.read(request) { fields in ReplacedAddress(address: try OwnAddress(request, &fields), entry: AddressEntry(&fields)) }
    }
}

struct ListAddresses: Sendable {
    let userID: UUID
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListAddresses {
        try Fields.read(request) { fields in
            let userID = try callerID(of: request)
            let page = fields.page()
            return ListAddresses(userID: userID, page: page, after: fields.position(page))
        }
    }
}
