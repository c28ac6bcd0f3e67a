import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// A note on an order by an administrator, for other administrators. The customer finds it in the export of their data.
struct OrderNote: Sendable, Codable {
    @PublicID var id: UUID
    let at: Date
    /// The administrator's id; nil in an export.
    var by: String?
    let text: String
}

struct NewNote: Sendable {
    static let length = 1...2_000

    let order: UUID
    let text: String

    static func read(_ request: Request) throws -> NewNote {
        try Fields.read(request) { fields in
            let text = fields.optionalText("text", length, lines: true)
            if text == nil { fields.note("text", "is required") }
            return NewNote(order: try fields.uuidParameter("id", of: "order"), text: text ?? "")
        }
    }
}

struct ListNotes: Sendable {
    let order: UUID
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListNotes {
        try Fields.read(request) { fields in
            let page = fields.page()
            return ListNotes(order: try fields.uuidParameter("id", of: "order"), page: page, after: fields.position(page))
        }
    }
}

/// `orders.notes.create` and `orders.notes.list`.
struct Notes: Sendable {
    /// The most notes on one order: far more than people write, and few enough for one export.
    static let maximum = 500

    let clock: any WallClock

    func add(_ items: [IncomingMessage<NewNote>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let erased = try await NoteStore.lock(Set(items.map(\.input.order)), on: transaction)
        var counts = try await NoteStore.counts(of: Set(items.map(\.input.order)), on: transaction)
        var added: [(order: UUID, note: OrderNote)] = []
        let outcomes: [Outcome] = try items.map { item in
            guard let count = counts[item.input.order] else { return .refused(.notFound("order")) }
            guard !erased.contains(item.input.order) else { return .refused(.conflict("customer-erased", "The order's customer has been erased: no notes are kept about them.")) }
            guard count < Self.maximum else { return .refused(.conflict("too-many-notes", "An order has at most \(Self.maximum) notes.")) }
            counts[item.input.order] = count + 1
            let note = OrderNote(id: item.request.id, at: now, by: item.request.caller?.id.lowerCaseText, text: item.input.text)
            added.append((item.input.order, note))
            return .done(try Reply(status: 201, headers: ["location": "/v1/orders/\(item.input.order.lowerCaseText)/notes"], json: note))
        }
        if !added.isEmpty { try await NoteStore.add(added, on: transaction) }
        return outcomes
    }

    func list(_ items: [IncomingMessage<ListNotes>], on connection: any SQLConnection) async throws -> [Outcome] {
        let known = try await NoteStore.counts(of: Set(items.map(\.input.order)), on: connection)
        var outcomes: [Outcome] = []
        for item in items {
            guard known[item.input.order] != nil else {
                outcomes.append(.refused(.notFound("order")))
                continue
            }
            let notes = try await NoteStore.list(item.input, on: connection)
            let page = try Page(notes, item.input.page) { PageRequest.key($0.at, $0.id) }
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }
}

enum NoteStore {
    /// The most notes in one export, the newest ones. With the longest texts they take a few megabytes.
    static let exported = 1_000

    /// Locks the orders, so that batches count notes one after the other and no customer is erased in between. Returns the orders whose customer has been erased.
    static func lock(_ orders: Set<UUID>, on transaction: any SQLConnection) async throws -> Set<UUID> {
        let rows = try await transaction.query(
            "SELECT id, email = \(Erased.email) AS is_erased FROM orders WHERE id = ANY(\(orders.sorted())) ORDER BY id FOR NO KEY UPDATE")
        return Set(try rows.filter { try $0.decode("is_erased") }.map { try $0.decode("id", as: UUID.self) })
    }

    /// How many notes each of the orders has that exist.
    static func counts(of orders: Set<UUID>, on connection: any SQLConnection) async throws -> [UUID: Int] {
        let rows = try await connection.query(
            """
            SELECT id, (SELECT count(*) FROM order_notes WHERE order_id = orders.id) AS count FROM orders WHERE id = ANY(\(orders.sorted()))
            """)
        return try Dictionary(rows.map { (try $0.decode("id"), try $0.decode("count")) }, uniquingKeysWith: { first, _ in first })
    }

    static func add(_ notes: [(order: UUID, note: OrderNote)], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO order_notes (id, order_id, written_at, author, text)
            SELECT * FROM unnest(
                \(notes.map(\.note.id)), \(notes.map(\.order)), \(notes.map(\.note.at)), \(notes.map { $0.note.by ?? "" }), \(notes.map(\.note.text)))
            ON CONFLICT DO NOTHING
            """)
    }

    /// The notes of a page, newest first, and one more if there are more.
    static func list(_ list: ListNotes, on connection: any SQLConnection) async throws -> [OrderNote] {
        var sql: SQL = "SELECT id, written_at, author, text FROM order_notes WHERE order_id = \(list.order)"
        if let after = list.after { sql += " AND (written_at, id) < (\(after.0), \(after.1))" }
        return try await connection.query(sql + " ORDER BY written_at DESC, id DESC LIMIT \(list.page.limit + 1)").map {
            OrderNote(id: try $0.decode("id"), at: try $0.decode("written_at"), by: try $0.decode("author"), text: try $0.decode("text"))
        }
    }

    /// The notes of each order, without their authors, oldest first.
    static func export(of orders: [UUID], on connection: any SQLConnection) async throws -> [UUID: [OrderNote]] {
        let rows = try await connection.query(
            """
            SELECT id, order_id, written_at, text FROM order_notes WHERE order_id = ANY(\(orders)) ORDER BY written_at DESC, id DESC LIMIT \(exported)
            """)
        let notes = try rows.reversed().map { row in
            (try row.decode("order_id", as: UUID.self), OrderNote(id: try row.decode("id"), at: try row.decode("written_at"), text: try row.decode("text")))
        }
        return Dictionary(grouping: notes, by: \.0).mapValues { $0.map(\.1) }
    }

    static func erase(of orders: [UUID], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("DELETE FROM order_notes WHERE order_id = ANY(\(orders))")
    }
}
