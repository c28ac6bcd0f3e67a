import JSON

extension PriceQuery: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        availability = try fields.readIfPresent("availability")
        skus = try fields.read("skus")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("availability", availability)
            json.field("skus", skus)
        }
    }
}

extension PriceList: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        items = try fields.read("items")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("items", items)
        }
    }
}

extension PriceList.Entry: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        available = try fields.readIfPresent("available")
        image = try fields.readIfPresent("image")
        name = try fields.read("name")
        price = try fields.read("price")
        sku = try fields.read("sku")
        slug = try fields.readIfPresent("slug")
    }

    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("available", available)
            json.fieldIfPresent("image", image)
            json.field("name", name)
            json.field("price", price)
            json.field("sku", sku)
            json.fieldIfPresent("slug", slug)
        }
    }
}
