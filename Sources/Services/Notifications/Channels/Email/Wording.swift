import Contracts

/// The text that a customer reads.
struct Wording: Sendable {
    let subject: String
    let text: String
    let html: String

    init(_ news: OrderNews) {
        let order = news
        let opening: String
        let closing: String
        switch news.kind {
        case .orderConfirmed:
            subject = "Your order \(order.number) is confirmed"
            opening = "Thank you for your order \(order.number). It is confirmed, and we are getting it ready."
            closing = "We will tell you when it is on its way."
        case .orderRejected:
            subject = "Your order \(order.number) could not be completed"
            opening = "We are sorry: your order \(order.number) could not be completed. \(Self.explanation(order.reason))"
            closing = "You pay nothing for it."
        }
        let lines = order.lines.map { (what: "\($0.quantity) × \($0.name)", price: $0.total?.text ?? "") }
        let total = order.total?.text ?? ""
        let address = news.kind == .orderConfirmed ? order.shippingAddress?.lines ?? [] : []
        let destination = address.isEmpty ? [] : ["It will be sent to:", ""] + address.map { "  \($0)" } + [""]
        text = ([opening, ""] + lines.map { "  \($0.what): \($0.price)" } + ["", "Total: \(total)", ""] + destination + [closing, ""])
            .joined(separator: "\n")
        let rows = lines.map { "<tr><td>\($0.what.escapedForHTML)</td><td align=\"right\">\($0.price.escapedForHTML)</td></tr>" }
        html = """
            <!DOCTYPE html>
            <html lang="en"><body>
            <p>\(opening.escapedForHTML)</p>
            <table>
            \(rows.joined(separator: "\n"))
            <tr><th align="left">Total</th><th align="right">\(total.escapedForHTML)</th></tr>
            </table>
            \(address.isEmpty ? "" : "<p>It will be sent to:</p>\n<p>\(address.map(\.escapedForHTML).joined(separator: "<br>\n"))</p>\n")<p>\(closing.escapedForHTML)</p>
            </body></html>

            """
    }

    private static func explanation(_ reason: String?) -> String {
        switch reason {
        case "outOfStock": "Something in it is no longer in stock."
        case "paymentDeclined": "The payment was declined."
        case "paymentTimeout": "The payment was not completed in time."
        case "priceChanged": "A price had changed."
        default: "You are welcome to order again."
        }
    }
}
