import FoundationEssentials

/// `catalog.stock.restock`: what a customer has sent back can be sold again. Counts once for each return.
public struct RestockReturn: Sendable, Codable {
    public let orderID: UUID
    public let returnID: UUID
    public let lines: [ReserveStock.Line]

    public init(orderID: UUID, returnID: UUID, lines: [ReserveStock.Line]) {
        self.orderID = orderID
        self.returnID = returnID
        self.lines = lines
    }
}

extension RestockReturn: OrderMessage {}
