import FoundationEssentials
import JSON

/// PayPal's ids: 17 capital letters and digits.
enum PayPalID {
    private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRSTUVWXY")

    static func make() -> String { String((0..<17).compactMap { _ in alphabet.randomElement() }) }
}

extension Int {
    /// The time in PayPal's format, for seconds since 1970.
    var payPalTime: String { Date(timeIntervalSince1970: Double(self)).ISO8601Format() }
}

extension PayPalPayment {
    /// - Parameter minimal: Whether to write only what PayPal returns to a request that does not prefer a representation.
    func write(to writer: inout JSONWriter, address: String, minimal: Bool = false) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("status", status.rawValue)
            if !minimal { writeUnit(to: &writer, address: address) }
            writer.field("links") { writer in
                writer.array(links(address)) { writer, link in
                    writer.object { writer in
                        writer.field("href", link.href)
                        writer.field("rel", link.rel)
                        writer.field("method", link.method)
                    }
                }
            }
        }
    }

    private func links(_ address: String) -> [(href: String, rel: String, method: String)] {
        let own = "\(address)/v2/checkout/orders/\(id)"
        let page = "\(address)/checkoutnow?token=\(id)"
        return switch status {
        case .created: [(own, "self", "GET"), (page, "approve", "GET"), ("\(own)/capture", "capture", "POST")]
        case .payerActionRequired: [(own, "self", "GET"), (page, "payer-action", "GET")]
        case .approved: [(own, "self", "GET"), (page, hasSource ? "payer-action" : "approve", "GET"), ("\(own)/capture", "capture", "POST")]
        case .completed: [(own, "self", "GET")]
        }
    }

    private func writeUnit(to writer: inout JSONWriter, address: String) {
        writer.field("intent", "CAPTURE")
        writer.field("create_time", created.payPalTime)
        writer.field("update_time", updated.payPalTime)
        if hasSource { writer.field("payment_source") { $0.object { $0.field("paypal") { $0.object { _ in } } } } }
        writer.field("purchase_units") { writer in
            writer.array([self]) { writer, _ in
                writer.object { writer in
                    writer.field("reference_id", reference)
                    writer.field("amount") { amount.write(to: &$0) }
                    if let custom { writer.field("custom_id", custom) }
                    if let invoice { writer.field("invoice_id", invoice) }
                    if let description { writer.field("description", description) }
                    guard let capture else { return }
                    writer.field("payments") { writer in
                        writer.object { writer in
                            writer.field("captures") { $0.array([capture]) { writer, _ in writeCapture(to: &writer, address: address) } }
                            if !refunds.isEmpty { writer.field("refunds") { $0.array(refunds) { writeRefund($1, to: &$0, address: address) } } }
                        }
                    }
                }
            }
        }
    }

    func writeCapture(to writer: inout JSONWriter, address: String, withOrder: Bool = false) {
        guard let capture else { return writer.null() }
        writer.object { writer in
            writer.field("id", capture.id)
            writer.field("status", captureStatus)
            if capture.status == .pending { writer.field("status_details") { $0.object { $0.field("reason", "PENDING_REVIEW") } } }
            writer.field("amount") { amount.write(to: &$0) }
            writer.field("final_capture", true)
            if let custom { writer.field("custom_id", custom) }
            if let invoice { writer.field("invoice_id", invoice) }
            writer.field("create_time", capture.at.payPalTime)
            writer.field("update_time", updated.payPalTime)
            if withOrder { writer.field("supplementary_data") { $0.object { $0.field("related_ids") { $0.object { $0.field("order_id", id) } } } } }
            writer.field("links") { writer in
                writer.array([("self", "\(address)/v2/payments/captures/\(capture.id)"), ("up", "\(address)/v2/checkout/orders/\(id)")]) { writer, link in
                    writer.object { writer in
                        writer.field("rel", link.0)
                        writer.field("href", link.1)
                    }
                }
            }
        }
    }

    /// A refund refers to its capture only by a link.
    func writeRefund(_ refund: Refund, to writer: inout JSONWriter, address: String) {
        writer.object { writer in
            writer.field("id", refund.id)
            writer.field("status", refund.status.rawValue)
            if refund.status == .pending { writer.field("status_details") { $0.object { $0.field("reason", "ECHECK") } } }
            writer.field("amount") { refund.amount.write(to: &$0) }
            if let invoice = refund.invoice { writer.field("invoice_id", invoice) }
            if let custom = refund.custom { writer.field("custom_id", custom) }
            if let note = refund.note { writer.field("note_to_payer", note) }
            writer.field("create_time", refund.at.payPalTime)
            writer.field("links") { writer in
                writer.array([("self", "refunds/\(refund.id)"), ("up", "captures/\(capture?.id ?? "")")]) { writer, link in
                    writer.object { writer in
                        writer.field("rel", link.0)
                        writer.field("href", "\(address)/v2/payments/\(link.1)")
                    }
                }
            }
        }
    }

    /// - Parameter listed: Whether to write it as an item of a list, without its outcome and transactions.
    func writeDispute(to writer: inout JSONWriter, listed: Bool = false) {
        guard let dispute else { return writer.null() }
        writer.object { writer in
            writer.field("dispute_id", dispute.id)
            writer.field("create_time", dispute.at.payPalTime)
            writer.field("update_time", updated.payPalTime)
            writer.field("reason", dispute.reason)
            writer.field("status", dispute.outcome == nil ? "WAITING_FOR_SELLER_RESPONSE" : "RESOLVED")
            writer.field("dispute_amount") { amount.write(to: &$0) }
            if listed { return }
            writer.field("disputed_transactions") { writer in
                writer.array([self]) { writer, _ in
                    writer.object { writer in
                        writer.field("seller_transaction_id", capture?.id)
                        writer.field("custom", custom)
                        writer.field("invoice_number", invoice)
                    }
                }
            }
            if let outcome = dispute.outcome { writer.field("dispute_outcome") { $0.object { $0.field("outcome_code", outcome) } } }
        }
    }

    func writeLedgerLine(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("orderId", custom)
            writer.field("amount", amount.isoUnits)
            writer.field("currency", amount.currency.lowercased())
            writer.field("status", captured > 0 ? "succeeded" : status.rawValue)
            writer.field("captured", PayPalMoney(currency: amount.currency, units: captured).isoUnits)
            writer.field("refunded", PayPalMoney(currency: amount.currency, units: refunded).isoUnits)
            writer.field("createdAt", created.payPalTime)
        }
    }
}
