import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// The saga's steps in the catalog. Each acts once per order, however often it arrives, and gives the same answer each time.
struct Reserving: Sendable {
    let clock: any WallClock

    static func read(_ request: Request) throws -> ReserveStock {
        let step = try Operation.contract(ReserveStock.self)(request)
        guard step.charge.map({ $0.orderID == step.orderID }) ?? true else {
            throw Failure("malformed-message", "order \(step.orderID): the charge is for another order")
        }
        try check(step.lines, of: step.orderID)
        return step
    }

    static func check(_ lines: [ReserveStock.Line], of order: UUID) throws {
        guard lines.allSatisfy({ (1...StockChange.maximumOnHand).contains($0.quantity) }) else {
            throw Failure("malformed-message", "order \(order): a quantity is not from 1 to \(StockChange.maximumOnHand)")
        }
    }

    /// Reserves all lines or none. Orders are served in the order of arrival.
    func reserve(_ items: [IncomingMessage<ReserveStock>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await settle(items, order: \.orderID, skus: { $0.lines.map(\.sku) }, on: transaction) { step, known, levels in
            if let known {
                switch known.state {
                case .reserved, .committed: return (nil, try handOver(step))
                // The first answer stands, even if there is stock by now: the saga may have acted on it.
                case .short, .released: return (nil, try Self.report(.init(orderID: step.orderID, kind: .stockShort)))
                }
            }
            let lines = Self.summed(step.lines)
            var reservation = Reservation(order: step.orderID, state: .reserved, lines: lines)
            if let short = lines.first(where: { $0.quantity > levels[$0.sku]?.available ?? 0 }) {
                reservation.state = .short
                return (reservation, try Self.report(.init(orderID: step.orderID, kind: .stockShort, detail: short.sku)))
            }
            for line in lines { levels[line.sku]?.reserved += line.quantity }
            return (reservation, try handOver(step))
        }
    }

    /// The stock is reserved: payments is next, without a detour through orders.
    private func handOver(_ step: ReserveStock) throws -> OutgoingMessage {
        guard var charge = step.charge else { return try Self.report(.init(orderID: step.orderID, kind: .stockReserved)) }
        charge.reservedAt = clock.now()
        return try OutgoingMessage(.request(MessageName.charge), charge)
    }

    private static func report(_ event: CheckoutEvent) throws -> OutgoingMessage {
        try OutgoingMessage(.request(MessageName.advance), event)
    }

    /// Returns reserved and sold stock: payments has the sale booked as soon as it is paid, while orders may be giving the order up. If there is no
    /// reservation yet, one that arrives later will be rejected.
    func release(_ items: [IncomingMessage<SettleReservation>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var returned: [Reservation] = []
        let outcomes = try await settle(items, order: \.orderID, skus: { _ in [] }, on: transaction) { step, known, levels in
            var reservation = known ?? Reservation(order: step.orderID, state: .released, lines: [])
            switch reservation.state {
            case .reserved: for line in reservation.lines { levels[line.sku]?.reserved -= line.quantity }
            case .committed:
                for line in reservation.lines { levels[line.sku]?.onHand += line.quantity }
                returned.append(reservation)
            case .short, .released: break
            }
            reservation.state = .released
            return (reservation, try Self.report(.init(orderID: step.orderID, kind: .stockReleased)))
        }
        if !returned.isEmpty { try await StockStore.addMovements(returned.flatMap(Self.undoing), now: clock.now(), on: transaction) }
        return outcomes
    }

    /// The ledger shows a sale as long as it stands. One that is undone is written down, and its return beside it.
    private static func undoing(_ sale: Reservation) -> [Movement] {
        sale.lines.flatMap { line in
            [
                Movement(sku: line.sku, delta: -line.quantity, kind: .sold, reason: "sold", by: nil, order: sale.order, at: sale.at),
                Movement(sku: line.sku, delta: line.quantity, kind: .returned, reason: "the order was given up", by: nil, order: sale.order),
            ]
        }
    }

    /// Turns a reservation into a sale. Only one that is gone is reported: the order is confirmed already.
    func sell(_ items: [IncomingMessage<SettleReservation>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await sell(items, reporting: false, on: transaction)
    }

    /// Turns a reservation into a sale and reports it: earlier versions confirm an order only when they receive this report.
    func commit(_ items: [IncomingMessage<SettleReservation>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await sell(items, reporting: true, on: transaction)
    }

    private func sell(_ items: [IncomingMessage<SettleReservation>], reporting: Bool, on transaction: any SQLConnection) async throws -> [Outcome] {
        try await settle(items, order: \.orderID, skus: { _ in [] }, on: transaction) { step, known, levels in
            guard var reservation = known, reservation.state == .reserved || reservation.state == .committed else {
                return (nil, try Self.report(.init(orderID: step.orderID, kind: .reservationLost)))
            }
            if reservation.state == .reserved {
                for line in reservation.lines {
                    levels[line.sku]?.reserved -= line.quantity
                    levels[line.sku]?.onHand -= line.quantity
                }
                reservation.state = .committed
            }
            return (reservation, reporting ? try Self.report(.init(orderID: step.orderID, kind: .stockCommitted)) : nil)
        }
    }

    /// Applies each step of the batch to the state that the previous steps have left, then writes all changes at once.
    private func settle<Step>(
        _ items: [IncomingMessage<Step>], order: (Step) -> UUID, skus: (Step) -> [String], on transaction: any SQLConnection,
        _ apply: (Step, Reservation?, inout [String: Level]) throws -> (Reservation?, OutgoingMessage?)
    ) async throws -> [Outcome] {
        var (reservations, levels) = try await StockStore.lock(
            orders: items.map { order($0.input) }, skus: items.flatMap { skus($0.input) }, on: transaction)
        let before = levels
        var changed: Set<UUID> = []
        var outcomes: [Outcome] = try items.map { item in
            let id = order(item.input)
            do {
                let (reservation, next) = try apply(item.input, reservations[id], &levels)
                if let reservation {
                    reservations[id] = reservation
                    changed.insert(id)
                }
                return .done(emit: next.map { [$0] } ?? [])
            } catch let failure as Failure {
                return .failed(failure)
            }
        }
        let moved = levels.filter { sku, level in
            before[sku]?.onHand != level.onHand || before[sku]?.reserved != level.reserved
        }
        // Compares before and after the whole batch, so that stock which one order takes and another returns is not reported.
        if let last = outcomes.lastIndex(where: \.isDone) { outcomes[last] = outcomes[last].emitting(try StockLow.messages(before, moved)) }
        try await StockStore.save(
            levels: moved, reservations: changed.compactMap { reservations[$0] }, now: clock.now(), on: transaction)
        return outcomes
    }

    /// One line per SKU, so that two lines of one SKU cannot both be served from the same stock.
    static func summed(_ lines: [ReserveStock.Line]) -> [ReserveStock.Line] {
        var quantities: [String: Int] = [:]
        for line in lines { quantities[line.sku, default: 0] += line.quantity }
        return quantities.sorted { $0.key < $1.key }.map { ReserveStock.Line(sku: $0.key, quantity: $0.value) }
    }
}
