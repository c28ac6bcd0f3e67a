import Assembly
import Contracts
import Orders
import ShopClient

extension AuditedOrder {
    /// The order's amounts add up, and its cart was closed by this order alone, or is open again.
    var contentFindings: [Finding] {
        var wrong: [Finding] = []
        if let flaw { wrong.append(finding(.contents, flaw)) }
        wrong += fulfilmentFindings
        if saga?.fate == .givenUp {
            if orderOfCart == id { wrong.append(finding(.contents, "was given up, but its cart \(cart.text) is still closed", awaits: .carts)) }
        } else if orderOfCart != id {
            let closing = orderOfCart.map { "was closed by order \($0.text)" } ?? "is not closed"
            wrong.append(finding(.contents, "came from cart \(cart.text), which \(closing)"))
        }
        return wrong
    }

    private var flaw: String? {
        guard let lines, !lines.isEmpty else { return "has no lines that can be read" }
        for line in lines {
            let product = line.unitPrice.amount.multipliedReportingOverflow(by: line.quantity)
            if line.quantity < 1 || product.overflow || line.lineTotal.amount != product.partialValue {
                return "has \(line.quantity) × \(line.unitPrice.text) of \(line.sku) for \(line.lineTotal.text)"
            }
            if line.unitPrice.currency != total.currency || line.lineTotal.currency != total.currency {
                return "is in \(total.currency), and \(line.sku) is not"
            }
        }
        // Each line's total is a product of bounded factors, or was reported above; a sum that overflows differs from any total.
        let sum = lines.reduce((partialValue: 0, overflow: false)) { sum, line in
            let next = sum.partialValue.addingReportingOverflow(line.lineTotal.amount)
            return (next.partialValue, sum.overflow || next.overflow)
        }
        return sum.overflow || sum.partialValue != total.amount ? "has a total of \(total.text), but its lines make \(money(sum.partialValue))" : nil
    }
}

/// A value that must be unique, and how often it occurs.
struct Repetition: Sendable {
    enum Kind: String, Sendable {
        case number, cart
    }

    let kind: Kind
    let value: String
    let orders: [String]

    var finding: Finding {
        let named = orders.joined(separator: ", ")
        return Finding(.contents, "\(kind.rawValue) \(value)", "\(kind.rawValue) \(value) belongs to several orders: \(named)", unchangedSince: nil)
    }
}
