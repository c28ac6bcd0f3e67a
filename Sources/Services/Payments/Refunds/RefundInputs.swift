import Contracts
import FoundationEssentials
import Input
import Messaging
import Secrets

extension CreateRefund {
    static let reasonLength = 1...500

    /// Over HTTP the order is in the path, and the request's id, which its idempotency key determines, makes the refund's.
    static func read(_ request: Request) throws -> CreateRefund {
        guard request.parameters["id"] != nil else {
            let refund = try Operation.contract(CreateRefund.self)(request)
            guard refund.amount ?? 1 > 0, refund.amount ?? 1 <= Money.maximumAmount, reasonLength.contains(refund.reason.unicodeScalars.count) else {
                throw Failure("malformed-message", "refund \(refund.refundID.lowerCaseText): amount or reason is out of bounds")
            }
            return refund
        }
        return try Fields.read(request) { fields in
            let money = fields.isObject("amount") ? fields.optionalMoney("amount") : nil
            if money?.amount == 0 { fields.note("amount.amount", "must be more than 0") }
            return CreateRefund(
                refundID: UUID.v5(namespace: request.id, name: "refund"), orderID: try fields.uuidParameter("id", of: "order"),
                amount: money?.amount ?? fields.optionalInteger("amount", 1...Money.maximumAmount), currency: money?.currency,
                reason: fields.text("reason", reasonLength),
                actor: request.caller?.id.lowerCaseText ?? Refund.service)
        }
    }
}

struct ListRefunds: Sendable {
    let order: UUID
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListRefunds {
        try Fields.read(request) { fields in
            let page = fields.page()
            return ListRefunds(order: try fields.uuidParameter("id", of: "order"), page: page, after: fields.position(page))
        }
    }
}

struct ListUnresolved: Sendable {
    let page: PageRequest
    let after: UnresolvedCursor?

    static func read(_ request: Request) throws -> ListUnresolved {
        try Fields.read(request) { fields in
            let page = fields.page()
            return ListUnresolved(page: page, after: fields.position(page))
        }
    }
}

/// Where a page of unresolved payments ended.
struct UnresolvedCursor: PageCursor {
    /// Microseconds since 1970: PostgreSQL's precision.
    let micros: Int
    let id: String

    init?(_ key: [String]) {
        guard key.count == 2, let micros = Int(key[0]) else { return nil }
        (self.micros, id) = (micros, key[1])
    }
}
