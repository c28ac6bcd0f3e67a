public import FoundationEssentials
import JSON
import Messaging
import Secrets

/// What a message is about, as far as the message says: in its headers, in the path of its HTTP request, or in its body.
public struct References: Sendable, Equatable {
    /// The largest body that is searched, in bytes: only products and imports have larger ones, and they name no order.
    static let maximumBody = 256 << 10
    /// The longest number of an order, in characters.
    static let maximumNumber = 64

    public var order: UUID?
    public var orderNumber: String?
    public var cart: UUID?
    public var customer: UUID?
    /// The id of the W3C trace.
    public var trace: String?

    init() {}

    init(_ original: Original, body: [UInt8]) {
        let headers = original.headers
        let operation = original.operation ?? ""
        let members = body.first == UInt8(ascii: "{") && body.count <= Self.maximumBody ? try? JSON.decode(Members.self, from: body) : nil
        let inPath = headers["p.id"].flatMap(UUID.init(text:))
        order = headers[DeathHeader.order].flatMap(UUID.init(text:)) ?? members?.order ?? (Self.ofOrders.contains { operation.hasPrefix($0) } ? inPath : nil)
        orderNumber = (headers["order-number"] ?? members?.number).flatMap(Self.number)
        cart = members?.cart ?? (Self.ofCarts.contains { operation.hasPrefix($0) } ? inPath : nil)
        // The caller of a request by an administrator is not its customer.
        customer = members?.customer ?? (headers["role"] == "customer" ? headers["caller"].flatMap(UUID.init(text:)) : nil)
        trace = headers["traceparent"].flatMap(Self.trace)
    }

    /// Operations with the order's id, or the cart's, in their path.
    private static let ofOrders = ["orders.orders.", "orders.shipments.", "orders.returns.create", "orders.notes.", "orders.invoices.", "payments.refunds."]
    private static let ofCarts = ["carts.carts.", "carts.items."]

    private static func number(_ text: String) -> String? {
        text.isEmpty ? nil : String(text.prefix(maximumNumber)).storable
    }

    /// The trace id of a `traceparent` such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    private static func trace(_ text: String) -> String? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, let id = parts.dropFirst().first, id.utf8.count == 32, id.utf8.allSatisfy(\.isHexadecimal) else { return nil }
        return id.lowercased()
    }
}

/// The members of a body that name something, in services' and clients' messages. A member of an unexpected type is ignored.
private struct Members: Decodable {
    var order: UUID?
    var number: String?
    var cart: UUID?
    var customer: UUID?

    private enum Name: String, CodingKey {
        case orderID, orderId, orderNumber, number, cartID, cartId, customerID, customerId, userID
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Name.self)
        func id(_ names: Name...) -> UUID? {
            for name in names {
                if let text = try? members.decodeIfPresent(String.self, forKey: name), let id = UUID(text: text) { return id }
            }
            return nil
        }
        func text(_ name: Name) -> String? { (try? members.decodeIfPresent(String.self, forKey: name)) ?? nil }
        order = id(.orderID, .orderId)
        number = order == nil ? text(.orderNumber) : text(.orderNumber) ?? text(.number)
        cart = id(.cartID, .cartId)
        customer = id(.customerID, .customerId, .userID)
    }
}
