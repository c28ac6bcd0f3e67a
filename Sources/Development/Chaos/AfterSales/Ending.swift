import Contracts
import FoundationEssentials
import Load
import ShopClient

/// An order at the end of a run, as the administrator's API shows it.
struct Ending: Sendable, Decodable {
    struct Shipment: Sendable, Decodable {
        let trackingNumber: String
        let lines: [ReportedOrder.Line]
    }

    struct Return: Sendable, Decodable {
        let id: UUID
        let state: String
        let lines: [ReportedOrder.Line]
        let amount: Money
        let restocked: Bool?
    }

    struct Payment: Sendable, Decodable {
        let state: String
    }

    let id: UUID
    let state: ReportedOrder.State
    let lines: [ReportedOrder.Line]
    let total: Money
    let refunded: Money
    let payment: Payment
    let shipments: [Shipment]
    let returns: [Return]

    /// Pieces by SKU that left the stock for good.
    var sold: [String: Int] {
        guard state.isSale else { return [:] }
        let back = returns.filter { $0.restocked == true }.flatMap(\.lines)
        return Self.sum(lines).merging(Self.sum(back).mapValues(-)) { $0 + $1 }
    }

    /// The order as the reconciliation of a run needs it.
    var outcome: Evidence.Outcome {
        Evidence.Outcome(
            state: state, sold: sold, refunded: state.isSale ? refunded.amount : 0, isAuthorized: payment.state == "authorized" && shipments.isEmpty)
    }

    static func sum(_ lines: [ReportedOrder.Line]) -> [String: Int] {
        Dictionary(lines.map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }
}

/// What an administrator sees of the shop once it is quiet, and the mails that it has sent.
struct Endings: Sendable {
    var orders: [UUID: Ending] = [:]
    /// Changes of the stock on hand that name an order, in pieces, by order and SKU.
    var moved: [UUID: [String: Int]] = [:]
    /// The number of mails sent, by order and kind.
    var notifications: [UUID: [String: Int]] = [:]
    /// Notifications whose mail was not sent.
    var unsent: [String] = []

    init() {}

    /// - Parameters:
    ///   - skus: whose movements are read.
    ///   - mailFolder: the folder to which mails are delivered.
    init(_ administrator: Administrator, skus: some Sequence<String>, mailFolder: String) async throws {
        var orders: [UUID: Ending] = [:]
        try await administrator.walkOrders { (page: [Ending]) in for order in page { orders[order.id] = order } }
        self.orders = orders
        var moved: [UUID: [String: Int]] = [:]
        for sku in skus {
            try await administrator.walkMovements(of: sku) { page in
                for movement in page {
                    if let order = movement.orderId { moved[order, default: [:]][sku, default: 0] += movement.delta }
                }
            }
        }
        self.moved = moved
        let mails = Set(try FileManager.default.contentsOfDirectory(atPath: "\(mailFolder)/new"))
        var (counts, unsent): ([UUID: [String: Int]], [String]) = ([:], [])
        try await administrator.walkNotifications { page in
            for one in page {
                guard let order = one.orderId else { continue }
                counts[order, default: [:]][one.kind, default: 0] += 1
                if one.result != "sent" || !mails.contains("\(one.id.text).wharf") { unsent.append("order \(order.text): \(one.kind) by \(one.channel) is \(one.result)") }
            }
        }
        (notifications, self.unsent) = (counts, unsent)
    }
}
