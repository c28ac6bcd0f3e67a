import Contracts
import FoundationEssentials
import JSON
import Messaging

/// The warehouse: ships confirmed orders, some of them in two parcels, and reports that they were delivered.
struct Warehouse: Sendable {
    static let attempts = 20
    static let timeout: Duration = .seconds(10)
    /// How often it looks for orders to ship.
    static let pause = 500...4_000

    let shop: Shop
    let ledger: CustomerLedger
    let chance: Chance
    let caller: Caller

    private struct Order: Decodable {
        struct Line: Decodable {
            let sku: String
            let quantity: Int
        }

        let state: String
        let lines: [Line]
    }

    /// Works while faults strike, so that its work meets them.
    func run() async throws {
        var seen: Set<UUID> = []
        while shop.faults.isOn {
            try await shop.clock.sleep(for: chance.duration(milliseconds: Self.pause))
            let confirmed = ledger.all.settled.filter { $0.value == "confirmed" && !seen.contains($0.key) }.keys.sorted { $0.uuidString < $1.uuidString }
            for order in confirmed {
                seen.insert(order)
                if chance.happens(0.7) { try await handle(order) }
            }
        }
    }

    private func handle(_ id: UUID) async throws {
        guard let order = try? await look(id) else { return }
        if let line = order.lines.first, order.lines.count > 1 || line.quantity > 1, chance.happens(0.5) {
            let part = #"{"carrier":"DHL","trackingNumber":"1","lines":[{"sku":"\#(line.sku)","quantity":1}]}"#
            guard try await ship(id, part, key: "first parcel") else { return }
            shop.visits.note(Moment.shippedInPart)
            try await shop.clock.sleep(for: chance.duration(milliseconds: 0...3_000))
        }
        guard try await ship(id, #"{"carrier":"DHL","trackingNumber":"2"}"#, key: "last parcel"), chance.happens(0.7) else { return }
        guard let reply = try await ask("orders.orders.deliver", of: id, key: "delivery") else { return }
        guard reply.status == 200 else { return ledger.complain("a delivery was answered \(reply.status)") }
        shop.visits.note(Moment.delivered)
        ledger.delivered(order: id)
        if let line = order.lines.first, chance.happens(0.6) { try await takeBack(line.sku, of: id) }
    }

    private struct Return: Decodable {
        let id: UUID
    }

    /// One piece, requested twice now and then: only as many come back as were shipped.
    private func takeBack(_ sku: String, of order: UUID) async throws {
        for number in 1...(chance.happens(0.4) ? 2 : 1) {
            let lines = #"{"lines":[{"sku":"\#(sku)","quantity":1,"reason":"broken"}]}"#
            guard let reply = try await ask("orders.returns.create", of: order, key: "return \(number)", lines), reply.status == 201,
                let one: Return = try? JSON.decode(from: reply.body)
            else { continue }
            let isRefused = chance.happens(0.3)
            guard let decision = try await ask(isRefused ? "orders.returns.refuse" : "orders.returns.approve", of: one.id, key: "decision") else { continue }
            if decision.status != 200 { ledger.complain("a decision about a return was answered \(decision.status)") }
            if isRefused { continue }
            let restock = chance.happens(0.5)
            guard let receipt = try await ask("orders.returns.receive", of: one.id, key: "receipt", #"{"restock":\#(restock)}"#) else { continue }
            if receipt.status != 200 { ledger.complain("the receipt of a return was answered \(receipt.status)") }
            shop.visits.note(Moment.returned)
        }
    }

    private func look(_ id: UUID) async throws -> Order? {
        let request = Request(id: chance.uuid(), operation: "orders.orders.get", parameters: ["id": id.uuidString], caller: caller)
        let reply = try await shop.ingress.send(request, durability: .query, timeout: Self.timeout)
        return reply.status == 200 ? try JSON.decode(from: reply.body) : nil
    }

    /// Whether it was accepted.
    private func ship(_ order: UUID, _ body: String, key: String) async throws -> Bool {
        guard let reply = try await ask("orders.shipments.create", of: order, key: key, body) else { return false }
        switch reply.status {
        case 201:
            ledger.shipped(order: order)
            return true
        case 409:
            shop.visits.note(Moment.shippedTooLate)
            return false
        default:
            ledger.complain("a shipment was answered \(reply.status)")
            return false
        }
    }

    /// Repeats the request under its key until there is a final answer; nil when there never was one.
    private func ask(_ operation: String, of thing: UUID, key: String, _ body: String = "") async throws -> Reply? {
        let key = "\(thing.uuidString) \(key)"
        let request = Request(
            id: shop.messageID(of: operation, key: key), operation: operation, parameters: ["id": thing.uuidString, Request.idempotencyKey: key],
            caller: caller, body: Array(body.utf8))
        for _ in 0..<Self.attempts {
            if let reply = try? await shop.ingress.send(request, durability: .durable, timeout: Self.timeout), reply.status < 500 { return reply }
            try await shop.clock.sleep(for: chance.duration(milliseconds: 500...4_000))
        }
        return nil
    }
}
