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
    /// A nil filter is not applied.
    let order: UUID?
    let kind: String?
    let channel: String?
    let result: String?
    /// The address or number as shown in the list.
    let recipient: String?
    /// Recorded at `since` or later, and before `until`.
    let since: Date?
    let until: Date?
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListNotifications {
        try Fields.read(request) { fields in
            let order = fields.optionalParameter("order")
            let orderID = order.flatMap(UUID.init(uuidString:))
            if order != nil, orderID == nil { fields.note("order", "must be a UUID") }
            let page = fields.page()
            return ListNotifications(
                order: orderID, kind: choice("kind", kinds, &fields), channel: fields.optionalParameter("channel", 1...40),
                result: choice("result", ["pending", "sent", "failed"], &fields), recipient: fields.optionalParameter("recipient", 1...EmailAddress.maximumLength),
                since: fields.timeParameter("since"), until: fields.timeParameter("until"), page: page, after: fields.position(page))
        }
    }

    private static let kinds = NotificationKind.allCases.map(\.rawValue) + AccountMail.Kind.allCases.map(\.rawValue)

    private static func choice(_ name: String, _ allowed: [String], _ fields: inout Fields) -> String? {
        guard let value = fields.optionalParameter(name) else { return nil }
        if !allowed.contains(value) { fields.note(name, "must be one of \(allowed.joined(separator: ", "))") }
        return value
    }
}
