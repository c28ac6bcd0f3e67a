import Contracts
import FoundationEssentials
import Input
import Messaging

/// Something about an account, with an address that it can be sent to.
struct AccountNews: Sendable {
    let mail: AccountMail
    let recipient: MailAddress

    static func read(_ request: Request) throws -> AccountNews {
        let mail = try Operation.contract(AccountMail.self)(request)
        guard let recipient = MailAddress(bare: mail.email) else {
            throw Failure("malformed-message", "mail \(mail.id) has an invalid e-mail address")
        }
        return AccountNews(mail: mail, recipient: recipient)
    }
}

struct ListNotifications: Sendable {
    let order: UUID?
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListNotifications {
        try Fields.read(request) { fields in
            let order = fields.optionalParameter("order")
            let orderID = order.flatMap(UUID.init(uuidString:))
            if order != nil, orderID == nil { fields.note("order", "must be a UUID") }
            let page = fields.page()
            return ListNotifications(order: orderID, page: page, after: fields.position(page))
        }
    }
}
