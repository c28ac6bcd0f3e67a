import Contracts
import Messaging
import PostgreSQL
import Runtime

/// Catalog: products, their prices, and their stock.
public enum CatalogService {
    public static let name = "catalog"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(clock: any WallClock, randomness: any Randomness) -> ServiceDefinition {
        let products = Products(clock: clock, randomness: randomness)
        let categories = Categories()
        let synonyms = Synonyms()
        let stock = Stock(clock: clock)
        let reserving = Reserving(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .query("catalog.products.list", reading: ListProducts.read, handle: products.list),
                .query("catalog.products.suggest", reading: Suggest.read, handle: Suggestions().suggest),
                .query("catalog.products.get", reading: GetProduct.read, handle: products.get),
                .query(MessageName.price, reading: Operation.contract(PriceQuery.self), handle: products.price),
                // They take one lock, which would be taken before or after that of the stock.
                .command("catalog.products.create", transaction: .own, reading: NewProduct.read, handle: products.create),
                .command("catalog.products.update", transaction: .own, reading: ProductChange.read, handle: products.update),
                .command("catalog.products.archive", transaction: .own, reading: ProductChange.readID, handle: products.archive),
                .query("catalog.categories.list", reading: { _ in () }, handle: categories.list),
                .query("catalog.categories.get", reading: CategoryChange.readSlug, handle: categories.get),
                .command("catalog.categories.create", transaction: .own, reading: NewCategory.read, handle: categories.create),
                .command("catalog.categories.update", transaction: .own, reading: CategoryChange.read, handle: categories.update),
                .command("catalog.categories.delete", transaction: .own, reading: CategoryChange.readSlug, handle: categories.delete),
                .query("catalog.synonyms.get", reading: { _ in () }, handle: synonyms.get),
                .command("catalog.synonyms.put", transaction: .own, reading: SynonymGroups.read, handle: synonyms.put),
                .query("catalog.stock.get", reading: StockChange.readSKU, handle: stock.get),
                .query("catalog.stock.movements", reading: ListMovements.read, handle: stock.movements),
                .command("catalog.stock.set", reading: StockChange.readSet, handle: stock.change),
                .command("catalog.stock.adjust", reading: StockChange.readAdjustment, handle: stock.change),
                .command(MessageName.reserve, reading: Reserving.read, handle: reserving.reserve),
                .command(MessageName.release, reading: Operation.contract(SettleReservation.self), handle: reserving.release),
                .command(MessageName.commit, reading: Operation.contract(SettleReservation.self), handle: reserving.commit),
            ], sends: [MessageName.advance, MessageName.charge])
    }
}
