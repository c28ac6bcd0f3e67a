extension PaymentIntent {
    /// Writes the object as Stripe's API shows it. `publicURL` is where the customer's browser reaches the sandbox.
    /// - Parameters:
    ///   - expandsCharge: Writes the latest charge whole rather than its id.
    ///   - refunds: The newest, to be written with the charge.
    func write(to writer: inout JSONWriter, publicURL: String, expandsCharge: Bool = false, refunds: Page<Refund>? = nil) {
        writer.object { writeFields(to: &$0, publicURL: publicURL, expandsCharge: expandsCharge, refunds: refunds) }
    }

    /// The same with the sandbox's own fields, so that ``init(from:)`` restores all of it.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer, publicURL: "")
            writer.field("return_url", returnURL)
            writer.field("amount_refunded", amountRefunded)
            writer.field("idempotency_key", idempotencyKey)
            writer.field("revision", revision)
            if let dispute { writer.field("dispute_status", dispute.rawValue) }
        }
    }

    private func writeFields(to writer: inout JSONWriter, publicURL: String, expandsCharge: Bool = false, refunds: Page<Refund>? = nil) {
        writer.field("id", id)
        writer.field("object", "payment_intent")
        writer.field("amount", amount)
        writer.field("amount_capturable", amountCapturable)
        writer.field("amount_received", amountReceived)
        writer.field("canceled_at", canceledAt)
        writer.field("cancellation_reason", cancellationReason?.rawValue)
        writer.field("capture_method", captureMethod.rawValue)
        writer.field("client_secret", clientSecret)
        writer.field("confirmation_method", "automatic")
        writer.field("created", created)
        writer.field("currency", currency)
        writer.field("customer", customer)
        writer.field("description", description)
        writer.field("last_payment_error") { writer in
            guard let lastFailure else { return writer.null() }
            lastFailure.write(to: &writer)
        }
        if expandsCharge, latestCharge != nil {
            writer.field("latest_charge") { writeCharge(to: &$0, refunds: refunds) }
        } else {
            writer.field("latest_charge", latestCharge)
        }
        writer.field("livemode", false)
        writer.field("metadata", metadata)
        writer.field("next_action") { writer in
            guard status == .requiresAction else { return writer.null() }
            writeNextAction(to: &writer, publicURL: publicURL)
        }
        writer.field("payment_method", card?.rawValue)
        writer.field("payment_method_types") { $0.array(paymentMethodTypes) { $0.value($1) } }
        writer.field("status", status.rawValue)
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

    /// Writes the intent's charge as Stripe's API shows it. Only meaningful once there was one.
    func writeCharge(to writer: inout JSONWriter, refunds: Page<Refund>? = nil) {
        writer.object { writer in
            writer.field("id", latestCharge)
            writer.field("object", "charge")
            writer.field("amount", amount)
            writer.field("amount_captured", amountReceived)
            writer.field("amount_refunded", amountRefunded)
            writer.field("captured", status == .succeeded)
            writer.field("created", created)
            writer.field("currency", currency)
            writer.field("customer", customer)
            writer.field("disputed", isDisputed)
            writer.field("livemode", false)
            writer.field("metadata", metadata)
            writer.field("paid", status == .succeeded || status == .requiresCapture)
            writer.field("payment_intent", id)
            writer.field("payment_method", card?.rawValue)
            writer.field("refunded", amountReceived > 0 && amountRefundable == 0)
            if let refunds {
                writer.field("refunds") { writer in
                    writer.object { writer in
                        writer.field("object", "list")
                        writer.field("data") { $0.array(refunds.elements) { $1.write(to: &$0) } }
                        writer.field("has_more", refunds.hasMore)
                        writer.field("url", "/v1/charges/\(latestCharge ?? "")/refunds")
                    }
                }
            }
            writer.field("status", status == .succeeded || status == .requiresCapture ? "succeeded" : "failed")
        }
    }

    /// Writes the dispute of the intent's charge.
    func writeDispute(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", disputeID)
            writer.field("object", "dispute")
            writer.field("amount", amountReceived)
            writer.field("charge", latestCharge)
            writer.field("created", created)
            writer.field("currency", currency)
            writer.field("livemode", false)
            writer.field("metadata", [:])
            writer.field("payment_intent", id)
            writer.field("reason", "fraudulent")
            writer.field("status", dispute?.rawValue)
        }
    }
}
