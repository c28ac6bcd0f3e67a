import Assembly
import Contracts
import Orders

extension AuditedOrder {
    /// A confirmed order has sold what was reserved, or is about to; a rejected or cancelled one holds nothing. Returned goods are back in stock exactly once.
    var stockFindings: [Finding] { saleStockFindings + restockFindings }

    private var saleStockFindings: [Finding] {
        switch saga?.fate {
        case .sold:
            guard let reservation else { return [finding(.stock, "is confirmed, but the catalog has no reservation")] }
            guard reservation.state == "committed" else {
                return [finding(.stock, "is confirmed, but its reservation is \(reservation.state)", awaits: reservation.state == "reserved" ? .catalog : nil)]
            }
            return reservation.pieces == pieces ? [] : [finding(.stock, "holds other pieces than were taken from stock")]
        case .givenUp, .cancelled:
            guard let reservation, reservation.holdsStock else { return [] }
            return [finding(.stock, "is \(saga?.phase ?? "given up"), but its reservation is \(reservation.state)", awaits: .catalog)]
        case .open, nil: return []
        }
    }

    private var pieces: [String: Int] {
        Dictionary((lines ?? []).map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }
}

/// One SKU, with the sums of its changes. All from one snapshot, and each change of stock is one transaction: it holds exactly, at any time.
struct StockSums: Sendable, Equatable {
    let sku: String
    /// Nil for a SKU that movements or reservations name and the stock does not.
    let onHand: Int?
    let reserved: Int?
    /// What was added or removed by hand.
    let moved: Int
    /// In committed reservations.
    let sold: Int
    /// In open reservations.
    let held: Int

    var findings: [Finding] {
        guard let onHand, let reserved else { return [finding("is sold or moved, but has no stock")] }
        var wrong: [Finding] = []
        if onHand != moved - sold { wrong.append(finding("has \(onHand) on hand, but movements of \(moved) less \(sold) sold make \(moved - sold)")) }
        if reserved != held { wrong.append(finding("has \(reserved) reserved, but its open reservations hold \(held)")) }
        if reserved > onHand { wrong.append(finding("has \(reserved) reserved of \(onHand) on hand")) }
        return wrong
    }

    private func finding(_ sentence: String) -> Finding {
        Finding(.stock, "SKU \(sku)", "\(sku) \(sentence)", unchangedSince: nil)
    }
}
