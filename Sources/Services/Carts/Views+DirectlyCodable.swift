import Contracts
import JSON

// The answer to every change of a cart contains this view, and a digest of its lines as the tag, so these types encode themselves: Codable is slower.

extension CartView: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("capped", capped)
            json.field("expiresAt", expiresAt)
            json.field("id", PublicID(wrappedValue: id))
            json.field("items", items)
            json.field("total", total)
        }
    }
}

extension CartView.Line: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("available", available)
            json.fieldIfPresent("forSale", forSale)
            json.fieldIfPresent("image", image)
            json.field("lineTotal", lineTotal)
            json.field("name", name)
            json.field("quantity", quantity)
            json.field("sku", sku)
            json.fieldIfPresent("slug", slug)
            json.field("unitPrice", unitPrice)
            json.fieldIfPresent("was", was)
        }
    }
}

extension CartView.Was: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("name", name)
            json.fieldIfPresent("unitPrice", unitPrice)
        }
    }
}

extension CartView.Capped: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("quantity", quantity)
            json.field("requested", requested)
            json.field("sku", sku)
        }
    }
}
