import LocalState
import Terminal

/// The summary that is printed when everything runs.
struct UpSummary: Sendable {
    let url: String
    /// The URL of the web console.
    var consoleURL: String?
    let adminEmail: String
    let adminPassword: String
    /// The Maildir; nil where mail goes elsewhere.
    let mail: String?
    let logs: String
    let sandboxURL: String?
    /// Whether customers may pay with Stripe.
    var offersStripe = true
    let timeToReady: Duration
    /// Whether there is something to order.
    let hasDemo: Bool

    func text(_ paint: Paint) -> String {
        var facts = [
            ("Shop", url), ("API reference", "\(url)/docs"),
            ("Administrator", "\(adminEmail)  password \(adminPassword)"),
        ]
        if let consoleURL { facts.insert(("Console", consoleURL), at: 2) }
        if let mail { facts.append(("Mail", "\(mail)/new")) }
        facts.append(("Logs", logs))
        if let sandboxURL { facts.append(("Payments", "sandbox, ledger at \(sandboxURL)/_ledger; its key is in \(StateFolder.name)/\(StateFolder.secretsFile)")) }
        let width = facts.map(\.0.count).max() ?? 0
        let table = facts.map { name, value in
            "  \(paint.dim(name + String(repeating: " ", count: width - name.count)))  \(value)"
        }
        let blocks = [
            "\(paint.good("Ready")) after \(timeToReady.inSeconds).",
            table.joined(separator: "\n"),
            hasDemo ? "\(paint.bold("Place an order:")) paste this into another terminal.\n\n\(order)" : nil,
            "wharf status shows what runs; Ctrl-C stops everything, and wharf-dev up goes on from there.",
        ]
        return "\n" + blocks.compactMap(\.self).joined(separator: "\n\n") + "\n"
    }

    /// Needs nothing but a shell and curl.
    var order: String {
        """
        WHARF=\(url)
        field() { grep -o "\\"$1\\":\\"[^\\"]*\\"" | head -n 1 | cut -d '"' -f 4; }

        CART=$(curl -s -X POST $WHARF/v1/carts | field id)
        curl -s -X PUT $WHARF/v1/carts/$CART/items/\(DemoProduct.example.sku) \\
          -H 'Content-Type: application/json' -d '{"quantity": 2}'; echo
        ANSWER=$(curl -s -X POST $WHARF/v1/checkouts -H 'Content-Type: application/json' \\
          -H "Idempotency-Key: order-$CART" -H 'Prefer: wait=10' \\
          -d '{"cartId": "'$CART'", "email": "ada@wharf.example",
               "shippingAddress": {"name": "Ada Lovelace", "line1": "12 St James Square",
                                   "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"},
               "payment": \(offersStripe ? #"{"gateway": "stripe", "paymentMethod": "pm_card_visa"}"# : #"{"gateway": "paypal"}"#)}')
        ORDER=$(echo "$ANSWER" | field id); TOKEN=$(echo "$ANSWER" | field token)
        curl -s "$WHARF/v1/orders/$ORDER?token=$TOKEN"; echo
        """
    }
}
