import Contracts
import FoundationEssentials
import Input
import Messaging

struct GetOrder: Sendable {
    let id: UUID
    /// A guest's.
    let token: String?

    static func read(_ request: Request) throws -> GetOrder {
        try Fields.read(request) { try read(&$0) }
    }

    static func read(_ fields: inout Fields) throws(Problem) -> GetOrder {
        GetOrder(id: try fields.uuidParameter("id", of: "order"), token: fields.optionalParameter("token", 1...100))
    }

    /// Whether the order may be seen, cancelled and sent back.
    func mayRead(_ order: OrderRow, _ caller: Caller?) -> Bool {
        if let caller, caller.role == .admin || (order.customerID == caller.id) { return true }
        guard let token else { return false }
        return GuestToken.matches(token, order: order.id, cart: order.cartID)
    }
}

/// The body of a checkout's answer, sent back by a requester that wants to wait for the order to settle.
struct WaitForOrder: Sendable, Codable {
    struct Order: Sendable, Codable {
        let id: UUID
    }

    let order: Order
}

extension PlaceOrder {
    static let quantities = 1...999

    /// An order that carts cannot have sent belongs to no customer: it must not be charged.
    static func read(_ request: Request) throws -> PlaceOrder {
        let order = try Operation.contract(PlaceOrder.self)(request)
        guard let flaw = order.flaw else { return order }
        throw Failure("malformed-message", "order \(order.orderID): \(flaw)")
    }

    private var flaw: String? {
        if EmailAddress(email) == nil { return "the e-mail address is invalid" }
        if lines.isEmpty { return "there are no lines" }
        for line in lines {
            guard Self.quantities.contains(line.quantity), line.unitPrice.isChargeable, line.unitPrice.currency == total.currency else {
                return "quantity or price of \(line.sku.prefix(100)) is out of bounds"
            }
            if line.lineTotal.amount != line.unitPrice.amount * line.quantity || line.lineTotal.currency != total.currency {
                return "the total of the line \(line.sku.prefix(100)) is wrong"
            }
        }
        let sum = lines.reduce(0) { $0 + $1.lineTotal.amount }
        return total.isChargeable && total.amount == sum ? nil : "the total is wrong"
    }
}
