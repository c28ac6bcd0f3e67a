import JSON

extension PaymentIntent {
    /// Its attempts; for payments from journals of earlier versions, only the last one.
    var attempts: [ChargeAttempt] {
        if let charges { return charges }
        guard let latestCharge, let card = card ?? lastFailure?.card else { return [] }
        return [ChargeAttempt(id: latestCharge, created: created, amount: amount, card: card, failure: lastFailure, capturedAt: amountReceived > 0 ? created : nil)]
    }

    /// Writes the latest charge as Stripe's API shows it. Only meaningful if there is one.
    func writeCharge(to writer: inout JSONWriter, _ showing: Showing) {
        if let attempt = attempts.last { write(attempt, to: &writer, showing) } else { writer.null() }
    }

    /// Writes one of its charges.
    func write(_ attempt: ChargeAttempt, to writer: inout JSONWriter, _ showing: Showing) {
        let isApproved = attempt.failure == nil
        // The amounts belong to the attempt that was approved, which is the last one.
        let isCurrent = isApproved && attempt.id == latestCharge
        let returned = isCurrent ? amountRefunded + (amountReleased ?? 0) : 0
        writer.object { writer in
            writer.field("id", attempt.id)
            writer.field("object", "charge")
            writer.field("amount", attempt.amount)
            writer.field("amount_captured", isCurrent ? amountReceived : 0)
            writer.field("amount_refunded", returned)
            writer.field("application_fee_amount", nil as Int?)
            let transaction = isCurrent && amountReceived > 0 ? BalanceTransaction.id(ofCharge: attempt.id) : nil
            writer.reference("balance_transaction", transaction, showing) { writer, book, _ in book.write(transaction: transaction, to: &writer) }
            writer.field("billing_details") { writer in
                writer.object { writer in
                    for name in ["address", "email", "name", "phone"] { writer.field(name, nil as String?) }
                }
            }
            writer.field("captured", isCurrent && attempt.capturedAt != nil)
            writer.field("created", attempt.created)
            writer.field("currency", currency)
            writer.reference("customer", customer, showing) { writer, book, _ in book.write(customer: customer, to: &writer) }
            writer.field("description", description)
            writer.field("disputed", isCurrent && isDisputed)
            writer.field("failure_code", attempt.failure.map { $0.declineCode ?? $0.code })
            writer.field("failure_message", attempt.failure?.message)
            writer.field("livemode", false)
            writer.field("metadata", metadata)
            writer.field("outcome") { writeOutcome(of: attempt, to: &$0) }
            writer.field("paid", isApproved)
            writer.reference("payment_intent", id, showing) { writer, _, showing in
                write(to: &writer, showing)
                return true
            }
            writer.field("payment_method", isCurrent ? paymentMethod : attempt.card.rawValue)
            writer.field("payment_method_details") { writer in
                writer.object { writer in
                    attempt.card.write(to: &writer)
                    writer.field("type", attempt.card.type)
                }
            }
            writer.field("receipt_email", terms?.receiptEmail)
            writer.field("refunded", isCurrent && returned > 0 && returned == attempt.amount)
            if showing.expansion.contains("refunds"), let book = showing.book { writeRefunds(of: attempt, to: &writer, book, showing.behind("refunds").behind("data")) }
            writer.field("statement_descriptor", terms?.statementDescriptor)
            writer.field("status", isApproved ? (status == .processing ? "pending" : "succeeded") : "failed")
        }
    }

    private func writeRefunds(of attempt: ChargeAttempt, to writer: inout JSONWriter, _ book: PaymentBook, _ showing: Showing) {
        let page = attempt.id == latestCharge ? try? book.listRefunds(RefundFilter(paymentIntent: id)) : nil
        writer.field("refunds") { writer in
            writer.object { writer in
                writer.field("object", "list")
                writer.field("data") { $0.array(page?.elements ?? []) { $1.write(to: &$0, showing) } }
                writer.field("has_more", page?.hasMore ?? false)
                writer.field("url", "/v1/charges/\(attempt.id)/refunds")
            }
        }
    }

    private func writeOutcome(of attempt: ChargeAttempt, to writer: inout JSONWriter) {
        let isBlocked = attempt.card == .radarBlock
        writer.object { writer in
            writer.field("network_status", attempt.failure == nil ? "approved_by_network" : isBlocked ? "not_sent_to_network" : "declined_by_network")
            writer.field("reason", isBlocked ? "highest_risk_level" : attempt.failure.map { $0.declineCode ?? $0.code })
            writer.field("risk_level", isBlocked ? "highest" : "normal")
            writer.field("seller_message", attempt.failure == nil ? "Payment complete." : "The bank did not return any further details with this decline.")
            writer.field("type", attempt.failure == nil ? "authorized" : isBlocked ? "blocked" : "issuer_declined")
        }
    }
}
