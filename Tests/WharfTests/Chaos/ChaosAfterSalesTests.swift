import Contracts
import FoundationEssentials
import Testing

@testable import Chaos
@testable import Load
@testable import ShopClient

@Suite struct `Chaos after the checkout` {
    private static let order = UUID()
    private static let back = UUID()

    /// Two A and one B for 300, shipped in two parcels and delivered; one A was returned to stock, and 50 were refunded in addition.
    private static func delivered() throws -> AfterSalesReconciliation {
        let ending = try ending(
            "delivered", payment: "partlyRefunded", refunded: 150,
            shipments: #"{"trackingNumber": "1", "lines": [{"sku": "A", "quantity": 1}]}, {"trackingNumber": "2", "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]}"#,
            returns:
                #"{"id": "\#(back)", "state": "refunded", "lines": [{"sku": "A", "quantity": 1}], "amount": {"amount": 100, "currency": "EUR"}, "restocked": true}"#)
        var endings = Endings()
        endings.orders = [order: ending]
        endings.moved = [order: ["A": -1, "B": -1]]
        endings.notifications = [
            order: ["orderConfirmed": 1, "orderShipped": 2, "orderDelivered": 1, "orderRefunded": 2, "returnRequested": 1, "returnApproved": 1]
        ]
        let promise = Promises.Order(
            parcels: ["1", "2"], isDelivered: true, returns: [.init(id: back, amount: 100, restock: true)], refunds: [50])
        return AfterSalesReconciliation(
            accepted: [order], promises: [order: promise], endings: endings, payments: [order: [payment(refunded: 150)]])
    }

    private static func cancelled() throws -> AfterSalesReconciliation {
        var endings = Endings()
        endings.orders = [order: try ending("cancelled", payment: "refunded", refunded: 300)]
        endings.moved = [order: ["A": 0]]
        endings.notifications = [order: ["orderConfirmed": 1, "orderCancelled": 1]]
        return AfterSalesReconciliation(
            accepted: [order], promises: [order: Promises.Order(isCancelled: true)], endings: endings, payments: [order: [payment(refunded: 300)]])
    }

    private static func payment(refunded: Int) -> LedgerPayment {
        LedgerPayment(id: "pi_1", orderId: nil, currency: "eur", captured: 300, refunded: refunded)
    }

    private static func ending(_ state: String, payment: String, refunded: Int, shipments: String = "", returns: String = "") throws -> Ending {
        let text = """
            {"id": "\(order)", "state": "\(state)", "lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}],
             "total": {"amount": 300, "currency": "EUR"}, "refunded": {"amount": \(refunded), "currency": "EUR"}, "payment": {"state": "\(payment)"},
             "shipments": [\(shipments)], "returns": [\(returns)]}
            """
        return try JSONDecoder().decode(Ending.self, from: Data(text.utf8))
    }

    private static func wrong(_ reconciliation: AfterSalesReconciliation) -> [String] {
        reconciliation.checks.filter { !$0.isGood }.map(\.name)
    }

    private static let answers = "requests after the checkout accepted or refused"
    private static let presence = "accepted orders are there and have ended"
    private static let cancellations = "cancelled orders are paid back and not shipped"
    private static let parcels = "accepted parcels are shipped once"
    private static let returns = "accepted returns are decided as reported"
    private static let money = "refunds made = refunds promised"
    private static let movements = "stock movements of each order = its goods"
    private static let mails = "each step was announced once"

    @Test func `a consistent run produces no complaints`() throws {
        #expect(Self.wrong(try Self.delivered()) == [])
        #expect(Self.wrong(try Self.cancelled()) == [])
    }

    private typealias Damage = @Sendable (inout AfterSalesReconciliation) throws -> Void

    /// Each one turns the delivered order into one with a single complaint.
    private static let damages: [(name: String, check: String, damage: Damage)] = [
        ("a strange answer", answers, { $0.complaints = ["404"] }), ("no answer in time", answers, { $0.underWay = 1 }),
        ("an accepted order is lost", presence, { $0.accepted.insert(UUID()) }),
        ("shipped twice", parcels, { $0.promises[order]?.parcels = ["1"] }),
        ("an accepted parcel is lost", parcels, { $0.promises[order]?.parcels.append("3") }),
        (
            "delivered without a report", parcels,
            { run in
                run.promises[order]?.isDelivered = false
                run.endings.notifications[order]?["orderDelivered"] = nil
            }
        ),
        ("the goods of a return are not back", returns, { $0.promises[order]?.returns[0].restock = false }),
        ("the gateway refunded twice", money, { $0.payments = [order: [payment(refunded: 200)]] }),
        ("the gateway refunded nothing", money, { $0.payments = [order: [payment(refunded: 0)]] }),
        ("back in stock twice", movements, { $0.endings.moved[order] = ["B": -1] }),
        ("never left the stock", movements, { $0.endings.moved[order] = [:] }),
        ("stock moved for an order that does not exist", movements, { $0.endings.moved[UUID()] = ["A": -1] }),
        ("a parcel that was not announced", mails, { $0.endings.notifications[order]?["orderShipped"] = 1 }),
        ("a delivery announced twice", mails, { $0.endings.notifications[order]?["orderDelivered"] = 2 }),
        ("a refund that was not announced", mails, { $0.endings.notifications[order]?["orderRefunded"] = 1 }),
        ("called cancelled", mails, { $0.endings.notifications[order]?["orderCancelled"] = 1 }),
        ("a mail that did not leave", mails, { $0.endings.unsent = ["x"] }),
    ]

    @Test(arguments: damages.indices) func `every difference from what was promised is reported`(place: Int) throws {
        let (name, check, damage) = Self.damages[place]
        var run = try Self.delivered()
        try damage(&run)
        #expect(Self.wrong(run) == [check], "\(name)")
    }

    @Test func `a cancellation that does not stand, keeps money, or was shipped is reported`() throws {
        var run = try Self.cancelled()
        run.payments = [Self.order: [Self.payment(refunded: 299)]]
        #expect(Self.wrong(run) == [Self.cancellations])
        run = try Self.cancelled()
        run.promises[Self.order]?.isCancelled = false
        #expect(Self.wrong(run) == [Self.cancellations])
        run = try Self.cancelled()
        run.promises[Self.order]?.parcels = ["1"]
        #expect(Self.wrong(run) == [Self.cancellations, Self.parcels])
    }

    @Test func `returned goods do not count as sold, and a refunded sale is reconciled with its refund`() throws {
        let ending = try #require(try Self.delivered().endings.orders[Self.order])
        #expect(ending.sold == ["A": 1, "B": 1])
        #expect(ending.outcome == .init(state: .delivered, sold: ["A": 1, "B": 1], refunded: 150))
        #expect(try Self.cancelled().endings.orders[Self.order]?.sold == [:])
    }

    @Test func `fates depend only on seed and number, and each kind occurs`() {
        let fates = (0..<500).map { Fate(seed: 7, number: $0) }
        #expect(fates == (0..<500).map { Fate(seed: 7, number: $0) })
        #expect(fates != (0..<500).map { Fate(seed: 8, number: $0) })
        let kinds = Set(
            fates.map { fate in
                switch fate {
                case .kept(let refunds): refunds.isEmpty ? "kept" : "refunded"
                case .cancelledAtOnce: "cancelled at once"
                case .cancelledLate: "cancelled late"
                case .contested: "contested"
                case .shipped(let shipping): shipping.returns.isEmpty ? "shipped" : "sent back"
                }
            })
        #expect(kinds.count == 7)
    }
}
