/// What must hold in every shop at any time.
package enum Invariant: String, Sendable, CaseIterable, Codable {
    case deadlines, payments, stock, contents, notifications, messages

    package var title: String {
        switch self {
        case .deadlines: "every order has ended, or is within its deadline"
        case .payments: "money kept = orders confirmed, each charged once"
        case .stock: "stock = movements − sales, and each reservation has its order"
        case .contents: "one whole order a cart, one number an order"
        case .notifications: "the end of every order was announced once"
        case .messages: "messages sent = messages handled + dead letters"
        }
    }
}
