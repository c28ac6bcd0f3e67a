import JSON

extension PlaceOrder: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        cartID = try fields.read("cartID")
        customerID = try fields.readIfPresent("customerID")
        email = try fields.read("email")
        lines = try fields.read("lines")
        locale = try fields.readIfPresent("locale")
        orderID = try fields.read("orderID")
        payment = try fields.read("payment")
        shippingAddress = try fields.read("shippingAddress")
        total = try fields.read("total")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("cartID", cartID)
            json.fieldIfPresent("customerID", customerID)
            json.field("email", email)
            json.field("lines", lines)
            json.fieldIfPresent("locale", locale)
            json.field("orderID", orderID)
            json.field("payment", payment)
            json.field("shippingAddress", shippingAddress)
            json.field("total", total)
        }
    }
}

extension ReserveStock: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        charge = try fields.readIfPresent("charge")
        lines = try fields.read("lines")
        orderID = try fields.read("orderID")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("charge", charge)
            json.field("lines", lines)
            json.field("orderID", orderID)
        }
    }
}

extension ReserveStock.Line: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        quantity = try fields.read("quantity")
        sku = try fields.read("sku")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("quantity", quantity)
            json.field("sku", sku)
        }
    }
}

extension ChargeOrder: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        amount = try fields.read("amount")
        orderID = try fields.read("orderID")
        orderNumber = try fields.read("orderNumber")
        payment = try fields.read("payment")
        reservedAt = try fields.readIfPresent("reservedAt")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("amount", amount)
            json.field("orderID", orderID)
            json.field("orderNumber", orderNumber)
            json.field("payment", payment)
            json.fieldIfPresent("reservedAt", reservedAt)
        }
    }
}

extension SettleReservation: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        orderID = try fields.read("orderID")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("orderID", orderID)
        }
    }
}
