import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// The saga's steps in the catalog. Each acts once per order, however often it comes, and gives the same answer each time.
struct Reserving: Sendable {
    let clock: any WallClock

    static func read(_ request: Request) throws -> ReserveStock {
        let step = try Operation.contract(ReserveStock.self)(request)
        guard step.lines.allSatisfy({ (1...StockChange.maximumOnHand).contains($0.quantity) }) else {
            throw Failure("malformed-message", "order \(step.orderID): a quantity is not from 1 to \(StockChange.maximumOnHand)")
        }
        return step
    }

    /// All lines or none. Lines are served in the order in which their orders came.
    func reserve(_ items: [Item<ReserveStock>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await settle(items, order: \.orderID, skus: { $0.lines.map(\.sku) }, on: transaction) { step, known, levels in
            if let known {
                switch known.state {
                case .reserved, .committed: return (nil, .init(orderID: step.orderID, kind: .stockReserved))
                // The answer of then stands, even if there is stock by now: the saga may have acted on it.
                case .short, .released: return (nil, .init(orderID: step.orderID, kind: .stockShort))
                }
            }
            let lines = Self.summed(step.lines)
            var reservation = Reservation(order: step.orderID, state: .reserved, lines: lines)
            if let short = lines.first(where: { $0.quantity > levels[$0.sku]?.available ?? 0 }) {
                reservation.state = .short
                return (reservation, .init(orderID: step.orderID, kind: .stockShort, detail: short.sku))
            }
            for line in lines { levels[line.sku]?.reserved += line.quantity }
            return (reservation, .init(orderID: step.orderID, kind: .stockReserved))
        }
    }

    /// Gives back what is reserved. Where nothing is, a reservation that is still on its way will be refused.
    func release(_ items: [Item<SettleReservation>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await settle(items, order: \.orderID, skus: { _ in [] }, on: transaction) { step, known, levels in
            var reservation = known ?? Reservation(order: step.orderID, state: .released, lines: [])
            if reservation.state == .committed {
                throw Failure("reservation-committed", "order \(step.orderID) was sold; its stock cannot be released")
            }
            if reservation.state == .reserved {
                for line in reservation.lines { levels[line.sku]?.reserved -= line.quantity }
            }
            reservation.state = .released
            return (reservation, .init(orderID: step.orderID, kind: .stockReleased))
        }
    }

    /// Turns a reservation into a sale.
    func commit(_ items: [Item<SettleReservation>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await settle(items, order: \.orderID, skus: { _ in [] }, on: transaction) { step, known, levels in
            guard var reservation = known, reservation.state == .reserved || reservation.state == .committed else {
                return (nil, .init(orderID: step.orderID, kind: .reservationLost))
            }
            if reservation.state == .reserved {
                for line in reservation.lines {
                    levels[line.sku]?.reserved -= line.quantity
                    levels[line.sku]?.onHand -= line.quantity
                }
                reservation.state = .committed
            }
            return (reservation, .init(orderID: step.orderID, kind: .stockCommitted))
        }
    }

    /// Takes each step of the batch against what the steps before it have left, then writes what has changed, in one go.
    private func settle<Step>(
        _ items: [Item<Step>], order: (Step) -> UUID, skus: (Step) -> [String], on transaction: any SQLConnection,
        _ apply: (Step, Reservation?, inout [String: Level]) throws -> (Reservation?, CheckoutEvent)
    ) async throws -> [Outcome] {
        let wanted = Set(items.flatMap { skus($0.input) })
        var (reservations, levels) = try await StockStore.lock(
            orders: items.map { order($0.input) }, skus: Array(wanted), on: transaction)
        let before = levels
        var changed: Set<UUID> = []
        let outcomes: [Outcome] = try items.map { item in
            let id = order(item.input)
            do {
                let (reservation, event) = try apply(item.input, reservations[id], &levels)
                if let reservation {
                    reservations[id] = reservation
                    changed.insert(id)
                }
                return .done(emit: [try Emission(.request(MessageName.advance), event)])
            } catch let failure as Failure {
                return .failed(failure)
            }
        }
        let moved = levels.filter { sku, level in
            before[sku]?.onHand != level.onHand || before[sku]?.reserved != level.reserved
        }
        try await StockStore.save(
            levels: moved, reservations: changed.compactMap { reservations[$0] }, now: clock.now(), on: transaction)
        return outcomes
    }

    /// One line a SKU, so that two lines of one SKU cannot both be served from the same stock.
    static func summed(_ lines: [ReserveStock.Line]) -> [ReserveStock.Line] {
        var quantities: [String: Int] = [:]
        for line in lines { quantities[line.sku, default: 0] += line.quantity }
        return quantities.sorted { $0.key < $1.key }.map { ReserveStock.Line(sku: $0.key, quantity: $0.value) }
    }
}
