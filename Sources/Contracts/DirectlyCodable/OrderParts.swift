import JSON

extension Money: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        amount = try fields.read("amount")
        currency = try fields.read("currency")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("amount", amount)
            json.field("currency", currency)
        }
    }
}

extension Image: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        alt = try fields.readIfPresent("alt")
        url = try fields.read("url")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("alt", alt)
            json.field("url", url)
        }
    }
}

extension Address: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        city = try fields.read("city")
        company = try fields.readIfPresent("company")
        country = try fields.read("country")
        line1 = try fields.read("line1")
        line2 = try fields.readIfPresent("line2")
        name = try fields.read("name")
        phone = try fields.readIfPresent("phone")
        postalCode = try fields.readIfPresent("postalCode")
        region = try fields.readIfPresent("region")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("city", city)
            json.fieldIfPresent("company", company)
            json.field("country", country)
            json.field("line1", line1)
            json.fieldIfPresent("line2", line2)
            json.field("name", name)
            json.fieldIfPresent("phone", phone)
            json.fieldIfPresent("postalCode", postalCode)
            json.fieldIfPresent("region", region)
        }
    }
}

extension OrderLine: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        image = try fields.readIfPresent("image")
        lineTotal = try fields.read("lineTotal")
        name = try fields.read("name")
        quantity = try fields.read("quantity")
        sku = try fields.read("sku")
        slug = try fields.readIfPresent("slug")
        unitPrice = try fields.read("unitPrice")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("image", image)
            json.field("lineTotal", lineTotal)
            json.field("name", name)
            json.field("quantity", quantity)
            json.field("sku", sku)
            json.fieldIfPresent("slug", slug)
            json.field("unitPrice", unitPrice)
        }
    }
}

extension PaymentChoice: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        cancelURL = try fields.readIfPresent("cancelURL")
        gateway = try fields.read("gateway")
        gatewayCustomer = try fields.readIfPresent("gatewayCustomer")
        paymentMethod = try fields.read("paymentMethod")
        returnURL = try fields.readIfPresent("returnURL")
        saveFor = try fields.readIfPresent("saveFor")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("cancelURL", cancelURL)
            json.field("gateway", gateway)
            json.fieldIfPresent("gatewayCustomer", gatewayCustomer)
            json.field("paymentMethod", paymentMethod)
            json.fieldIfPresent("returnURL", returnURL)
            json.fieldIfPresent("saveFor", saveFor)
        }
    }
}

extension GatewayName: DirectlyCodable {}
