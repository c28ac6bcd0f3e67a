import Contracts
import Input
import Messaging
import PostgreSQL
import Runtime

/// Catalog: products, their prices, and their stock.
public enum CatalogService {
    public static let name = "catalog"
    public static let migrations = Inbox.migrations + Schema.migrations
    private static let importsQueue = "catalog.imports"

    public static func definition(clock: any WallClock, randomness: any Randomness) -> ServiceDefinition {
        let products = Products(clock: clock, randomness: randomness)
        let categories = Categories()
        let synonyms = Synonyms()
        let stock = Stock(clock: clock)
        let imports = Imports(clock: clock, randomness: randomness)
        let reserving = Reserving(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .findInInbox(of: name),
                .query("catalog.products.list", reading: ListProducts.read, handle: products.list),
                .query("catalog.products.suggest", reading: Suggest.read, handle: Suggestions().suggest),
                .query("catalog.products.get", reading: GetProduct.read, handle: products.get),
                .query(MessageName.price, reading: Operation.contract(PriceQuery.self), handle: products.price),
                // They take one lock, which would come before or after that of the stock.
                .command("catalog.products.create", transaction: .own, reading: NewProduct.read, handle: announcing(products.create)),
                .command("catalog.products.update", transaction: .own, reading: ProductChange.read, handle: announcing(products.update)),
                .command("catalog.products.archive", transaction: .own, reading: ProductChange.readID, handle: announcing(products.archive)),
                .query("catalog.categories.list", reading: { _ in () }, handle: categories.list),
                .query("catalog.categories.get", reading: CategoryChange.readSlug, handle: categories.get),
                .command("catalog.categories.create", transaction: .own, reading: NewCategory.read, handle: announcing(categories.create)),
                .command("catalog.categories.update", transaction: .own, reading: CategoryChange.read, handle: announcing(categories.update)),
                .command("catalog.categories.delete", transaction: .own, reading: CategoryDeletion.read, handle: announcing(categories.delete)),
                .query("catalog.synonyms.get", reading: { _ in () }, handle: synonyms.get),
                .command("catalog.synonyms.put", transaction: .own, reading: SynonymGroups.read, handle: announcing(synonyms.put)),
                .query("catalog.products.export", reading: ExportProducts.read, handle: Exports().products),
                .command(MessageName.storeImportPiece, reading: FilePiece.read, handle: imports.store),
                .command("catalog.imports.create", reading: NewImport.read, handle: imports.create),
                // Products and stock, in this order: no other holds one of them while it waits for the other.
                .command(MessageName.advanceImport, transaction: .own, reading: Operation.contract(AdvanceImport.self), handle: announcing(imports.advance)),
                .query("catalog.imports.list", reading: ListImports.read, handle: imports.list),
                .query("catalog.imports.events", reading: ListenToImport.read, handle: imports.events),
                .query("catalog.imports.versions", reading: Operation.contract(VersionsQuery.self), handle: imports.versions),
                .query("catalog.imports.get", reading: GetImport.read, handle: imports.get),
                .query("catalog.imports.rejected", reading: GetImport.read, handle: imports.rejected),
                .query("catalog.stock.get", reading: StockChange.readSKU, handle: stock.get),
                .query("catalog.stock.movements", reading: StockList.read, handle: stock.movements),
                .query("catalog.stock.reservations", reading: StockList.read, handle: stock.reservations),
                .command("catalog.stock.set", reading: StockChange.readSet, handle: announcing(stock.change)),
                .command("catalog.stock.adjust", reading: StockChange.readAdjustment, handle: announcing(stock.change)),
                .command(
                    MessageName.reserve, reading: Reserving.read,
                    ahead: { items in StockStore.locking(orders: items.map(\.input.orderID), skus: items.flatMap { $0.input.lines.map(\.sku) }) }, handle: reserving.reserve),
                settling(MessageName.release, reserving.release), settling(MessageName.sell, reserving.sell), settling(MessageName.commit, reserving.commit),
                .command(MessageName.restock, reading: Reserving.readReturn, handle: reserving.restock),
            ],
            pollers: [
                Poller(name: "reservations left behind", interval: Reserving.sweepInterval, find: reserving.findLeftBehind),
                Poller(name: "imports", interval: Imports.pollInterval, find: imports.findDue),
                Poller(name: "search documents", interval: SearchBacklog.interval, repeats: true) {
                    try await SearchBacklog.workBetweenImports(now: clock.now(), on: $0) ? [try catalogChange()] : []
                },
            ],
            // Files and their rows wait in a queue of their own, and no order behind them.
            queues: ["\(name).queries", "\(name).commands", importsQueue],
            routes: [MessageName.storeImportPiece: importsQueue, "catalog.imports.create": importsQueue, MessageName.advanceImport: importsQueue],
            sends: [MessageName.advance, MessageName.charge, MessageName.advanceImport], announces: [MessageName.catalogChanged, MessageName.stockLow])
    }

    /// A command that ends an order's reservation, one way or the other.
    private static func settling(
        _ name: String, _ handle: @escaping @Sendable ([IncomingMessage<SettleReservation>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        .command(
            name, reading: Operation.contract(SettleReservation.self), ahead: { StockStore.locking(orders: $0.map(\.input.orderID), skus: []) }, handle: handle)
    }
}
