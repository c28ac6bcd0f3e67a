import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

struct AddressView: Sendable, Codable {
    @PublicID var id: UUID
    let label: String?
    let name: String
    let company: String?
    let line1: String
    let line2: String?
    let city: String
    let region: String?
    let postalCode: String?
    let country: String
    let phone: String?
    let isDefaultShipping: Bool
    let isDefaultBilling: Bool
    let createdAt: Date

    init(id: UUID, _ entry: AddressEntry, createdAt: Date) {
        self.init(
            id: id, entry.address, label: entry.label, isDefaultShipping: entry.isDefaultShipping, isDefaultBilling: entry.isDefaultBilling,
            createdAt: createdAt)
    }

    init(id: UUID, _ address: Address, label: String?, isDefaultShipping: Bool, isDefaultBilling: Bool, createdAt: Date) {
        self.id = id
        self.label = label
        name = address.name
        company = address.company
        line1 = address.line1
        line2 = address.line2
        city = address.city
        region = address.region
        postalCode = address.postalCode
        country = address.country
        phone = address.phone
        self.isDefaultShipping = isDefaultShipping
        self.isDefaultBilling = isDefaultBilling
        self.createdAt = createdAt
    }
}

struct AddressRow: Sendable {
    let userID: UUID
    let view: AddressView
}

extension Store {
    private static let addressColumns: SQL = """
        SELECT id, user_id, label, name, company, line1, line2, city, region, postal_code, country, phone, is_default_shipping, is_default_billing, created_at
        FROM addresses
        """

    static func countAddresses(of user: UUID, on transaction: any SQLConnection) async throws -> Int {
        try await transaction.query("SELECT count(*) AS count FROM addresses WHERE user_id = \(user)").first?.decode("count") ?? 0
    }

    static func addresses(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: AddressRow] {
        let rows = try await connection.query(addressColumns + " WHERE id = ANY(\(ids))")
        return try Dictionary(rows.map(address).map { ($0.view.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// One list per query, oldest first, one address longer than its page.
    static func addresses(_ lists: [ListAddresses], on connection: any SQLConnection) async throws -> [[AddressView]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql = addressColumns + " WHERE user_id = \(list.userID)"
                if let after = list.after { sql += " AND (created_at, id) > (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at, id LIMIT \(list.page.limit + 1)"
            })
        return try results.map { try $0.map { try address($0).view } }
    }

    /// Stores a new address or replaces one. An address that becomes the default replaces the previous default.
    static func put(_ view: AddressView, of user: UUID, on transaction: any SQLConnection) async throws {
        if view.isDefaultShipping {
            try await transaction.enqueue("UPDATE addresses SET is_default_shipping = false WHERE user_id = \(user) AND is_default_shipping AND id <> \(view.id)")
        }
        if view.isDefaultBilling {
            try await transaction.enqueue("UPDATE addresses SET is_default_billing = false WHERE user_id = \(user) AND is_default_billing AND id <> \(view.id)")
        }
        try await transaction.enqueue(
            """
            INSERT INTO addresses (
                id, user_id, label, name, company, line1, line2, city, region, postal_code, country, phone, is_default_shipping, is_default_billing, created_at)
            VALUES (
                \(view.id), \(user), \(view.label), \(view.name), \(view.company), \(view.line1), \(view.line2), \(view.city), \(view.region),
                \(view.postalCode), \(view.country), \(view.phone), \(view.isDefaultShipping), \(view.isDefaultBilling), \(view.createdAt))
            ON CONFLICT (id) DO UPDATE
            SET label = excluded.label, name = excluded.name, company = excluded.company, line1 = excluded.line1, line2 = excluded.line2,
                city = excluded.city, region = excluded.region, postal_code = excluded.postal_code, country = excluded.country, phone = excluded.phone,
                is_default_shipping = excluded.is_default_shipping, is_default_billing = excluded.is_default_billing
            """)
    }

    static func deleteAddress(_ id: UUID, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("DELETE FROM addresses WHERE id = \(id)")
    }

    private static func address(_ row: Row) throws -> AddressRow {
        let address = Address(
            name: try row.decode("name"), company: try row.decode("company"), line1: try row.decode("line1"), line2: try row.decode("line2"),
            city: try row.decode("city"), region: try row.decode("region"), postalCode: try row.decode("postal_code"), country: try row.decode("country"),
            phone: try row.decode("phone"))
        return AddressRow(
            userID: try row.decode("user_id"),
            view: AddressView(
                id: try row.decode("id"), address, label: try row.decode("label"), isDefaultShipping: try row.decode("is_default_shipping"),
                isDefaultBilling: try row.decode("is_default_billing"), createdAt: try row.decode("created_at")))
    }
}
