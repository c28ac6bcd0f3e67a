import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// Stock as administrators see and change it.
struct Stock: Sendable {
    let clock: any WallClock

    func get(_ items: [IncomingMessage<StockChange>], on connection: any SQLConnection) async throws -> [Outcome] {
        let levels = try await StockStore.levels(items.map(\.input.sku), on: connection)
        return try items.map { item in
            guard let level = levels[item.input.sku] else { return .refused(.notFound("SKU")) }
            return try reply(item.input.sku, level)
        }
    }

    /// Sets or adjusts; never below the reserved quantity, which is promised to customers already.
    func change(_ items: [IncomingMessage<StockChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var levels = try await StockStore.lock(items.map(\.input.sku), on: transaction)
        var changed: Set<String> = []
        var movements: [Movement] = []
        let outcomes: [Outcome] = try items.map { item in
            let change = item.input
            guard var level = levels[change.sku] else { return .refused(.notFound("SKU")) }
            if change.ifMatch?.match(version: level.revision) == false {
                return .refused(.changed("The stock has"))
            }
            let onHand = change.onHand ?? level.onHand + (change.delta ?? 0)
            guard onHand >= level.reserved, onHand <= StockChange.maximumOnHand else {
                let detail = "On hand must be from \(level.reserved), which is reserved, to \(StockChange.maximumOnHand)."
                return .refused(.conflict("stock-reserved", detail))
            }
            if onHand != level.onHand {
                movements.append(
                    Movement(
                        sku: change.sku, delta: onHand - level.onHand, kind: change.onHand == nil ? .adjusted : .set, reason: change.reason,
                        by: item.request.caller?.id))
                level.onHand = onHand
            }
            if let lowAt = change.lowAt { level.lowAt = lowAt }
            guard let old = levels[change.sku], (old.onHand, old.lowAt) != (level.onHand, level.lowAt) else { return try reply(change.sku, level) }
            level.revision += 1
            levels[change.sku] = level
            changed.insert(change.sku)
            return try reply(change.sku, level, emit: StockLow.messages([change.sku: old], [change.sku: level]))
        }
        let now = clock.now()
        if !changed.isEmpty { try await StockStore.save(levels: levels.filter { changed.contains($0.key) }, reservations: [], now: now, on: transaction) }
        if !movements.isEmpty { try await StockStore.addMovements(movements, now: now, on: transaction) }
        return outcomes
    }

    private func reply(_ sku: String, _ level: Level, emit messages: [OutgoingMessage] = []) throws -> Outcome {
        .done(try Reply(headers: ["etag": level.etag], json: StockView(sku: sku, level)), emit: messages)
    }
}
