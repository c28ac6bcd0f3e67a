import Contracts
import FoundationEssentials

/// Each kind of mail and text message with a made-up order or account, for a page that shows them.
public struct MailPreview: Sendable {
    public static let kinds = NotificationKind.allCases.map(\.rawValue) + AccountMail.Kind.allCases.map(\.rawValue)
    public static let languages = Language.allCases.map(\.rawValue)

    private let wordings: Wordings
    private let shop: String

    public init(_ email: EmailChannel) {
        wordings = email.wordings
        shop = email.sender.shopName
    }

    /// Nil for a kind or a language that does not exist.
    public func mail(_ kind: String, _ language: String) -> (subject: String, text: String, html: String)? {
        guard Self.languages.contains(language), let letter = letter(kind, language) else { return nil }
        return (letter.subject, letter.text, letter.html)
    }

    /// Nil for a kind that is not sent by text message.
    public func textMessage(_ kind: String, _ language: String) -> String? {
        guard Self.languages.contains(language), let kind = NotificationKind(rawValue: kind) else { return nil }
        return news(kind, language)?.wording(wordings, shop: shop).text
    }

    private func letter(_ kind: String, _ language: String) -> Letter? {
        if let kind = NotificationKind(rawValue: kind) { return news(kind, language).map { Letter($0, wordings, shop: shop) } }
        guard let kind = AccountMail.Kind(rawValue: kind) else { return nil }
        let hasCode = [.emailVerification, .emailChange, .passwordReset].contains(kind)
        let mail = AccountMail(id: Self.id, userID: Self.id, kind: kind, email: Self.address, name: "Ada Lovelace", locale: language)
        return Letter(mail, token: hasCode ? "a-made-up-code-of-the-length-that-codes-have" : nil, wordings, shop: shop)
    }

    private func news(_ kind: NotificationKind, _ language: String) -> OrderNews? {
        guard let email = MailAddress(bare: Self.address) else { return nil }
        var news = OrderNews(kind: kind, orderID: Self.id, number: "W-1024", email: email)
        news.locale = language
        let euros = { Money(amount: $0, currency: "EUR") }
        let needsPrices = [.orderConfirmed, .orderRejected, .actionRequired].contains(kind)
        if kind != .orderRefunded, kind != .orderDelivered, kind != .orderCancelled {
            news.lines = [
                .init(name: "Harbour Blend, whole beans, 1 kg", quantity: 2, total: needsPrices ? euros(3_980) : nil),
                .init(name: "Porcelain cup “Kaikoura”, dishwasher-safe", quantity: 1, total: needsPrices ? euros(126_450) : nil),
            ]
        }
        news.total = needsPrices ? euros(130_430) : nil
        news.reason = kind == .orderRejected ? "outOfStock" : kind == .returnRefused ? "The cup has been used." : nil
        news.amount = kind == .orderRefunded ? euros(1_990) : nil
        news.shippingAddress = Address(name: "Ada Lovelace", line1: "12 St James Square", city: "London", postalCode: "SW1Y 4JH", country: "GB")
        if kind == .orderShipped {
            news.carrier = "DHL"
            news.trackingNumber = "00340434161094042557"
            news.trackingURL = "https://tracking.example/?number=00340434161094042557"
        }
        return news
    }

    private static let address = "ada@wharf.example"
    private static let id = UUID(uuid: (0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1))
}
