import Assembly
import Contracts
import FoundationEssentials
import Orders
import ShopClient

/// Shipments and returns, as orders has recorded them.
struct AuditedFulfilment: Sendable {
    /// Pieces by SKU.
    var shipped: [String: Int] = [:]
    /// Pieces by SKU of returns that were not refused.
    var returned: [String: Int] = [:]
    /// In the words of the API; nil before the first shipment.
    var state: String?
    var parcels = 0
    var isDelivered = false
    var returns: [Return] = []
    /// Refunds that the customer should be notified of.
    var refunds = 0

    struct Return: Sendable, Equatable {
        let id: UUID
        /// The state as the API names it.
        let state: String
        /// Whether its goods were to be put back into stock; nil before they were received.
        var restocked: Bool?
    }

    var isEmpty: Bool { shipped.isEmpty && returned.isEmpty && state == nil }
}

extension AuditedOrder {
    /// Nothing is shipped that was not ordered, nothing comes back that was not shipped, and only a confirmed order is shipped.
    var fulfilmentFindings: [Finding] {
        guard let fulfilment, !fulfilment.isEmpty else { return [] }
        let ordered = Dictionary((lines ?? []).map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
        var wrong: [Finding] = []
        for (sku, quantity) in fulfilment.shipped.sorted(by: { $0.key < $1.key }) where quantity > ordered[sku, default: 0] {
            wrong.append(finding(.contents, "has \(quantity) of \(sku) shipped, but \(ordered[sku, default: 0]) ordered"))
        }
        for (sku, quantity) in fulfilment.returned.sorted(by: { $0.key < $1.key }) where quantity > fulfilment.shipped[sku, default: 0] {
            wrong.append(finding(.contents, "has \(quantity) of \(sku) returned, but \(fulfilment.shipped[sku, default: 0]) shipped"))
        }
        if saga?.fate != .sold { wrong.append(finding(.contents, "is \(saga?.phase ?? "without a saga"), but was shipped")) }
        if wrong.isEmpty, isWhole != (fulfilment.state != "partlyShipped") {
            wrong.append(finding(.contents, "has the state \(fulfilment.state ?? "not shipped"), but \(isWhole ? "all" : "not all") of it was shipped"))
        }
        return wrong
    }

    /// The goods of a return are back in stock if and only if they can be sold again.
    var restockFindings: [Finding] {
        (fulfilment?.returns ?? []).compactMap { one in
            switch (one.restocked, restocks.contains(one.id)) {
            case (true, false): finding(.stock, "has the return \(one.id.text), whose goods were to be sold again, but the catalog has not put them back", awaits: .catalog)
            case (true, true), (_, false): nil
            case (_, true): finding(.stock, "has the return \(one.id.text), whose goods were not to be sold again, but the catalog has put them back")
            }
        }
    }

    private var isWhole: Bool {
        (lines ?? []).allSatisfy { $0.quantity <= fulfilment?.shipped[$0.sku, default: 0] ?? 0 }
    }
}
