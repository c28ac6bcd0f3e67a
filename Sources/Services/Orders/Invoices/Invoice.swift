import Contracts
import FoundationEssentials

/// An order's invoice.
struct Invoice: Sendable {
    fileprivate struct Words {
        let invoice, number, date, shipTo, item, quantity, price, amount, total, refunded, remaining, payment, card: String

        static let english = Words(
            invoice: "Invoice", number: "Order", date: "Date", shipTo: "Ship to", item: "Item", quantity: "Quantity", price: "Unit price", amount: "Amount",
            total: "Total", refunded: "Refunded", remaining: "Remaining", payment: "Payment", card: "Card")
        static let german = Words(
            invoice: "Rechnung", number: "Bestellung", date: "Datum", shipTo: "Lieferanschrift", item: "Artikel", quantity: "Menge", price: "Einzelpreis",
            amount: "Betrag", total: "Gesamtbetrag", refunded: "Erstattet", remaining: "Verbleibend", payment: "Zahlung", card: "Karte")
    }

    let order: OrderView
    let language: Language
    /// The shop's name, if it is known.
    let shop: String?

    var html: String {
        let words = words
        return """
            <!DOCTYPE html>
            <html lang="\(language.rawValue)">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(words.invoice) \(order.number.escapedForHTML)</title>
            <style>
            \(Self.styles)
            </style>
            </head>
            <body>
            <header>\(shop.map { "<p class=\"shop\">\($0.escapedForHTML)</p>" } ?? "")<h1>\(words.invoice)</h1></header>
            <dl>
            <dt>\(words.number)</dt><dd>\(order.number.escapedForHTML)</dd>
            <dt>\(words.date)</dt><dd>\(date)</dd>
            <dt>\(words.payment)</dt><dd>\(order.payment.gateway == .paypal ? "PayPal" : words.card)</dd>
            </dl>
            <h2>\(words.shipTo)</h2>
            <address>\(order.shippingAddress.lines.map(\.escapedForHTML).joined(separator: "<br>"))</address>
            <table>
            <thead><tr><th>\(words.item)</th><th class="n">\(words.quantity)</th><th class="n">\(words.price)</th><th class="n">\(words.amount)</th></tr></thead>
            <tbody>
            \(order.lines.map(row).joined(separator: "\n"))
            </tbody>
            <tfoot>
            \(sums(words).map { "<tr><th colspan=\"3\">\($0.0)</th><td class=\"n\">\(language.amount($0.1))</td></tr>" }.joined(separator: "\n"))
            </tfoot>
            </table>
            </body>
            </html>

            """
    }

    private var words: Words { language == .english ? .english : .german }

    /// The date as readers of the language write it. In English, ISO 8601 is the only unambiguous form.
    private var date: String {
        let date = order.placedAt.ISO8601Format().prefix(10)
        return language == .english ? String(date) : date.split(separator: "-").reversed().joined(separator: ".")
    }

    private func row(_ line: OrderLine) -> String {
        """
        <tr><td>\(line.name.escapedForHTML)<br><small>\(line.sku.escapedForHTML)</small></td><td class="n">\(line.quantity)</td>\
        <td class="n">\(language.amount(line.unitPrice))</td><td class="n">\(language.amount(line.lineTotal))</td></tr>
        """
    }

    private func sums(_ words: Words) -> [(String, Money)] {
        let total = [(words.total, order.total)]
        guard order.refunded.amount > 0 else { return total }
        let remaining = Money(amount: order.total.amount - order.refunded.amount, currency: order.total.currency)
        return total + [(words.refunded, order.refunded), (words.remaining, remaining)]
    }

    /// Suits both A4 and Letter; the head of the table is repeated on each page, and no line is split between pages.
    private static let styles = """
        @page { size: auto; margin: 18mm; }
        body { font: 11pt/1.45 -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #111; background: #fff; max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
        header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 2px solid #111; }
        h1 { font-size: 20pt; margin: 0 0 .3rem; } h2 { font-size: 11pt; margin: 1.5rem 0 .3rem; } .shop { font-weight: bold; margin: 0; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; } dt { color: #555; } dd { margin: 0; } address { font-style: normal; }
        table { width: 100%; border-collapse: collapse; margin-top: 2rem; } th, td { text-align: left; vertical-align: top; padding: .35rem .5rem .35rem 0; }
        thead th { border-bottom: 1px solid #111; } tbody td { border-bottom: 1px solid #ccc; } tfoot tr:first-child > * { border-top: 1px solid #111; } tfoot th { text-align: right; }
        .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } small { color: #555; white-space: nowrap; } thead { display: table-header-group; } tr { break-inside: avoid; }
        @media (max-width: 30rem) { body { font-size: 9pt; margin-top: 1rem; } h1 { font-size: 16pt; } th, td { padding-right: .3rem; } }
        @media print { body { margin: 0; padding: 0; max-width: none; } }
        """
}
