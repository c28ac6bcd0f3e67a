import Contracts
import FoundationEssentials
import Input
import Messaging

/// `{carrier, trackingNumber, trackingUrl?, lines?}`
struct NewShipment: Sendable {
    /// Lines of one request: as many as a cart has SKUs.
    static let maximumLines = 100

    let order: UUID
    let carrier: String
    let trackingNumber: String
    let trackingUrl: String?
    /// Nil for all that is left.
    let lines: [Fulfilment.Line]?

    static func read(_ request: Request) throws -> NewShipment {
        try Fields.read(request) { fields in
            let url = fields.optionalText("trackingUrl", 1...WebAddress.maximumLength)
            if let url, !WebAddress.isValid(url) { fields.note("trackingUrl", "must be an https or http URL") }
            return NewShipment(
                order: try fields.uuidParameter("id", of: "order"), carrier: fields.text("carrier", 1...100),
                trackingNumber: fields.text("trackingNumber", 1...100), trackingUrl: url,
                lines: fields.optionalList("lines", 1...maximumLines) { line in
                    Fulfilment.Line(sku: line.text("sku", 1...64), quantity: line.integer("quantity", PlaceOrder.quantities))
                })
        }
    }
}

struct NewReturn: Sendable {
    let order: GetOrder
    let lines: [Return.Line]

    static func read(_ request: Request) throws -> NewReturn {
        try Fields.read(request) { fields in
            let lines = fields.list("lines", 1...NewShipment.maximumLines) { line in
                Return.Line(sku: line.text("sku", 1...64), quantity: line.integer("quantity", PlaceOrder.quantities), reason: line.text("reason", 1...500))
            }
            return NewReturn(order: try GetOrder.read(&fields), lines: lines)
        }
    }
}

/// The shop's decision about one return.
struct DecideReturn: Sendable {
    let id: UUID
    let decision: ReturnDecision

    static func approve(_ request: Request) throws -> DecideReturn {
        try Fields.read(request) { DecideReturn(id: try $0.uuidParameter("id", of: "return"), decision: .approve) }
    }

    static func refuse(_ request: Request) throws -> DecideReturn {
        try Fields.read(request) { fields in
            DecideReturn(id: try fields.uuidParameter("id", of: "return"), decision: .refuse(reason: fields.optionalText("reason", 1...500)))
        }
    }

    static func receive(_ request: Request) throws -> DecideReturn {
        try Fields.read(request) { fields in
            DecideReturn(id: try fields.uuidParameter("id", of: "return"), decision: .receive(restock: fields.boolean("restock")))
        }
    }
}

/// An order named in the path, by someone who may see it, and perhaps why.
struct CancelOrder: Sendable {
    let order: GetOrder
    let reason: String?

    static func read(_ request: Request) throws -> CancelOrder {
        try Fields.read(request) { fields in CancelOrder(order: try GetOrder.read(&fields), reason: fields.optionalText("reason", 1...500)) }
    }
}

struct DeliverOrder: Sendable {
    let order: UUID

    static func read(_ request: Request) throws -> DeliverOrder {
        try Fields.read(request) { DeliverOrder(order: try $0.uuidParameter("id", of: "order")) }
    }
}
