import JSON

extension CheckoutEvent: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        clientSecret = try fields.readIfPresent("clientSecret")
        detail = try fields.readIfPresent("detail")
        kind = try fields.read("kind")
        orderID = try fields.read("orderID")
        payment = try fields.readIfPresent("payment")
        refund = try fields.readIfPresent("refund")
        reservedAt = try fields.readIfPresent("reservedAt")
        voidResult = try fields.readIfPresent("voidResult")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("clientSecret", clientSecret)
            json.fieldIfPresent("detail", detail)
            json.field("kind", kind)
            json.field("orderID", orderID)
            json.fieldIfPresent("payment", payment)
            json.fieldIfPresent("refund", refund)
            json.fieldIfPresent("reservedAt", reservedAt)
            json.fieldIfPresent("voidResult", voidResult)
        }
    }
}

extension PaymentReport: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        refunded = try fields.read("refunded")
        revision = try fields.read("revision")
        state = try fields.read("state")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("refunded", refunded)
            json.field("revision", revision)
            json.field("state", state)
        }
    }
}

extension RefundReport: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        amount = try fields.read("amount")
        refundID = try fields.read("refundID")
        settlement = try fields.readIfPresent("settlement")
        state = try fields.read("state")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("amount", amount)
            json.field("refundID", refundID)
            json.fieldIfPresent("settlement", settlement)
            json.field("state", state)
        }
    }
}

extension OrderSettled: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        customerID = try fields.readIfPresent("customerID")
        email = try fields.read("email")
        lines = try fields.read("lines")
        locale = try fields.readIfPresent("locale")
        number = try fields.read("number")
        orderID = try fields.read("orderID")
        reason = try fields.readIfPresent("reason")
        shippingAddress = try fields.readIfPresent("shippingAddress")
        total = try fields.read("total")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("customerID", customerID)
            json.field("email", email)
            json.field("lines", lines)
            json.fieldIfPresent("locale", locale)
            json.field("number", number)
            json.field("orderID", orderID)
            json.fieldIfPresent("reason", reason)
            json.fieldIfPresent("shippingAddress", shippingAddress)
            json.field("total", total)
        }
    }
}

extension CheckoutEvent.Kind: DirectlyCodable {}
extension PaymentState: DirectlyCodable {}
extension RefundState: DirectlyCodable {}
extension Settlement: DirectlyCodable {}
extension VoidResult: DirectlyCodable {}
