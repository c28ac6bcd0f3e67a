import Contracts
import FoundationEssentials
import JSON

// Most messages about an order contain this view of it, so these types write themselves.

extension CheckoutView: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("order", order)
            json.fieldIfPresent("token", token)
        }
    }
}

extension OrderView: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("email", email)
            json.field("history", history)
            json.field("id", PublicID(wrappedValue: id))
            json.field("lines", lines)
            json.fieldIfPresent("notes", notes)
            json.field("number", number)
            json.field("payment", payment)
            json.field("placedAt", placedAt)
            json.fieldIfPresent("reason", reason)
            json.field("refunded", refunded)
            json.field("returns", returns)
            json.field("shipments", shipments)
            json.field("shippingAddress", shippingAddress)
            json.field("state", state)
            json.field("total", total)
        }
    }
}

extension OrderView.Payment: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("clientSecret", clientSecret)
            json.field("gateway", gateway)
            json.fieldIfPresent("redirectUrl", redirectUrl)
            json.field("state", state)
        }
    }
}

extension OrderView.Entry: DirectlyCodable {
    init(reading value: JSONPlace) throws(JSONDetour) {
        var fields = try value.fields()
        administrator = try fields.readIfPresent("administrator")
        at = try fields.read("at")
        by = try fields.readIfPresent("by")
        detail = try fields.read("detail")
        message = try fields.readIfPresent("message")
        state = try fields.read("state")
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("administrator", administrator)
            json.field("at", at)
            json.fieldIfPresent("by", by)
            json.field("detail", detail)
            json.fieldIfPresent("message", message)
            json.field("state", state)
        }
    }
}

extension OrderNote: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("at", at)
            json.fieldIfPresent("by", by)
            json.field("id", PublicID(wrappedValue: id))
            json.field("text", text)
        }
    }
}

extension Fulfilment.Shipment: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("at", at)
            json.field("carrier", carrier)
            json.field("id", PublicID(wrappedValue: id))
            json.field("lines", lines)
            json.field("trackingNumber", trackingNumber)
            json.fieldIfPresent("trackingUrl", trackingUrl)
        }
    }
}

extension Fulfilment.Line: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("quantity", quantity)
            json.field("sku", sku)
        }
    }
}

extension Return: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("amount", amount)
            json.field("at", at)
            json.field("id", PublicID(wrappedValue: id))
            json.field("lines", lines)
            json.fieldIfPresent("refund", refund)
            json.fieldIfPresent("refusal", refusal)
            json.fieldIfPresent("restocked", restocked)
            json.field("state", state)
        }
    }
}

extension Return.Line: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("quantity", quantity)
            json.field("reason", reason)
            json.field("sku", sku)
        }
    }
}

extension Return.Refund: DirectlyEncodable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("amount", amount)
            json.field("state", state)
        }
    }
}

extension OrderView.Actor: DirectlyCodable {}
extension Return.State: DirectlyEncodable {}
