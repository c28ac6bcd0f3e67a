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
            var after: (Date, UUID)?
            if let key = page.after {
                if key.count == 2, let seconds = Double(key[0]), let id = UUID(uuidString: key[1]) {
                    after = (Date(timeIntervalSince1970: seconds), id)
                } else {
                    fields.note("cursor", "is not a cursor of this list")
                }
            }
            return ListNotifications(order: orderID, page: page, after: after)
        }
    }
}
