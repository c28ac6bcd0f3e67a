import JSON

extension PaymentIntent {
    /// Writes the object as Stripe's API shows it.
    func write(to writer: inout JSONWriter, _ showing: Showing) {
        writer.object { writeFields(to: &$0, showing) }
    }

    /// The same with the sandbox's own fields, so that ``init(from:)`` restores all of it.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer, Showing(publicURL: ""))
            writer.field("return_url", returnURL)
            writer.field("amount_refunded", amountRefunded)
            writer.field("amount_released", amountReleased)
            writer.field("idempotency_key", idempotencyKey)
            writer.field("revision", revision)
            writer.field("test_card", testCard?.rawValue)
            writer.field("processed_at", processedAt)
            if let charges { writer.field("charges") { $0.array(charges) { $1.writeRecord(to: &$0) } } }
            if let dispute { writer.field("dispute_status", dispute.rawValue) }
            if let terms { writer.field("terms") { terms.writeRecord(to: &$0) } }
        }
    }

    private func writeFields(to writer: inout JSONWriter, _ showing: Showing) {
        let terms = terms ?? Terms()
        writer.field("id", id)
        writer.field("object", "payment_intent")
        writer.field("amount", amount)
        writer.field("amount_capturable", amountCapturable)
        writer.field("amount_details") { $0.object { $0.field("tip") { $0.object { _ in } } } }
        writer.field("amount_received", amountReceived)
        writer.field("application", nil as String?)
        writer.field("application_fee_amount", nil as Int?)
        writer.field("automatic_payment_methods") { writer in
            guard terms.automaticMethods == true else { return writer.null() }
            writer.object { writer in
                writer.field("allow_redirects", "always")
                writer.field("enabled", true)
            }
        }
        writer.field("canceled_at", canceledAt)
        writer.field("cancellation_reason", cancellationReason?.rawValue)
        writer.field("capture_method", captureMethod.rawValue)
        writer.field("client_secret", clientSecret)
        writer.field("confirmation_method", terms.confirmationMethod ?? "automatic")
        writer.field("created", created)
        writer.field("currency", currency)
        writer.reference("customer", customer, showing) { writer, book, _ in book.write(customer: customer, to: &writer) }
        writer.field("description", description)
        writer.field("last_payment_error") { writer in
            guard let lastFailure else { return writer.null() }
            lastFailure.write(to: &writer)
        }
        writer.reference("latest_charge", latestCharge, showing) { writer, _, showing in
            writeCharge(to: &writer, showing)
            return true
        }
        writer.field("livemode", false)
        writer.field("metadata", metadata)
        writer.field("next_action") { writer in
            guard status == .requiresAction else { return writer.null() }
            writeNextAction(to: &writer, publicURL: showing.publicURL)
        }
        writer.field("on_behalf_of", terms.onBehalfOf)
        writer.reference("payment_method", paymentMethod, showing) { writer, book, _ in
            (book.method(paymentMethod ?? "") ?? shownMethod)?.write(to: &writer)
            return true
        }
        writer.field("payment_method_options") { writer in
            writer.object { writer in
                writer.field("card") { writer in
                    writer.object { writer in
                        for name in ["installments", "mandate_options", "network"] { writer.field(name, nil as String?) }
                        writer.field("request_three_d_secure", "automatic")
                    }
                }
            }
        }
        writer.field("payment_method_types") { $0.array(paymentMethodTypes) { $0.value($1) } }
        writer.field("processing", nil as String?)
        writer.field("receipt_email", terms.receiptEmail)
        writer.field("review", nil as String?)
        writer.field("setup_future_usage", terms.setupFutureUsage)
        writer.field("shipping") { writer in
            guard !terms.shipping.isEmpty else { return writer.null() }
            terms.writeShipping(to: &writer)
        }
        writer.field("source", nil as String?)
        writer.field("statement_descriptor", terms.statementDescriptor)
        writer.field("statement_descriptor_suffix", terms.statementDescriptorSuffix)
        writer.field("status", status.rawValue)
        writer.field("transfer_data", nil as String?)
        writer.field("transfer_group", terms.transferGroup)
    }

    /// Its payment method, if that is not kept for a customer.
    private var shownMethod: PaymentMethod? {
        guard let paymentMethod, let card else { return nil }
        return PaymentMethod(id: paymentMethod, card: card, created: created)
    }

    private func writeNextAction(to writer: inout JSONWriter, publicURL: String) {
        writer.object { writer in
            writer.field("type", "redirect_to_url")
            writer.field("redirect_to_url") { writer in
                writer.object { writer in
                    writer.field("url", "\(publicURL)/_authenticate/\(id)")
                    writer.field("return_url", returnURL)
                }
            }
        }
    }

    /// Writes the dispute of the intent's charge.
    func writeDispute(to writer: inout JSONWriter, _ showing: Showing) {
        writer.object { writer in
            writer.field("id", disputeID)
            writer.field("object", "dispute")
            writer.field("amount", amountReceived)
            writer.reference("charge", latestCharge, showing) { writer, _, showing in
                writeCharge(to: &writer, showing)
                return true
            }
            writer.field("created", created)
            writer.field("currency", currency)
            writer.field("evidence") { $0.object { _ in } }
            writer.field("is_charge_refundable", dispute?.allowsRefunds ?? true)
            writer.field("livemode", false)
            writer.field("metadata", [:])
            writer.reference("payment_intent", id, showing) { writer, _, showing in
                write(to: &writer, showing)
                return true
            }
            writer.field("reason", (charges?.last?.card ?? card)?.disputeReason ?? "fraudulent")
            writer.field("status", dispute?.rawValue)
        }
    }
}

extension PaymentIntent.Terms {
    fileprivate func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("receiptEmail", receiptEmail)
            writer.field("setupFutureUsage", setupFutureUsage)
            writer.field("statementDescriptor", statementDescriptor)
            writer.field("statementDescriptorSuffix", statementDescriptorSuffix)
            writer.field("confirmationMethod", confirmationMethod)
            if let automaticMethods { writer.field("automaticMethods", automaticMethods) }
            writer.field("transferGroup", transferGroup)
            writer.field("onBehalfOf", onBehalfOf)
            writer.field("shipping", shipping)
        }
    }

    fileprivate func writeShipping(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("address") { writer in
                writer.object { writer in
                    for part in ["city", "country", "line1", "line2", "postal_code", "state"] { writer.field(part, shipping["address][\(part)"]) }
                }
            }
            for part in ["carrier", "name", "phone", "tracking_number"] { writer.field(part, shipping[part]) }
        }
    }
}
