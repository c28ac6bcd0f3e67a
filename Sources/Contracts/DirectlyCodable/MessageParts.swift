import JSON

extension Subject: DirectlyEncodable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("event", event)
            json.fieldIfPresent("number", number)
            json.field("order", order)
        }
    }
}

extension Caller: DirectlyEncodable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.fieldIfPresent("email", email)
            json.field("id", id)
            json.fieldIfPresent("locale", locale)
            json.field("role", role)
        }
    }
}

extension Caller.Role: DirectlyEncodable {}
