import Contracts
import FoundationEssentials
import Messaging

struct GetOrder: Sendable {
    let id: UUID
    /// A guest's.
    let token: String?

    static func read(_ request: Request) throws -> GetOrder {
        try Fields.read(request) { fields in
            GetOrder(
                id: try fields.uuidParameter("id", of: "order"), token: fields.optionalParameter("token", 1...100))
        }
    }

    func mayRead(_ order: OrderRow, _ caller: Caller?) -> Bool {
        if let caller, caller.role == .admin || (order.customerID == caller.id) { return true }
        guard let token else { return false }
        return GuestToken.matches(token, order: order.id, cart: order.cartID)
    }
}

struct ListOrders: Sendable {
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListOrders {
        try Fields.read(request) { fields in
            let page = fields.page()
            guard let key = page.after else { return ListOrders(page: page, after: nil) }
            guard key.count == 2, let milliseconds = Double(key[0]), let id = UUID(uuidString: key[1]) else {
                fields.note("cursor", "is not a cursor of this list")
                return ListOrders(page: page, after: nil)
            }
            return ListOrders(page: page, after: (Date(timeIntervalSince1970: milliseconds), id))
        }
    }
}

/// The body of a checkout's answer, sent back by whoever wants to wait for the order to settle.
struct WaitForOrder: Sendable, Codable {
    struct Order: Sendable, Codable {
        let id: UUID
    }

    let order: Order
}
