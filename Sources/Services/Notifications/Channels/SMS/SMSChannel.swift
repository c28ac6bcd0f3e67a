import Contracts
public import FoundationEssentials

/// Text messages, for news that a customer wants at once: an order is on its way, has arrived, or needs the customer.
///
/// The shop enables them in its settings, the customer by giving a telephone number with the shipping address. A number without its country's code is not
/// used: guessing the country would send a stranger the news.
public struct SMSChannel: NotificationChannel {
    static let channel = "sms"
    public let name = SMSChannel.channel
    public let noun = "sms"

    private static let kinds: Set<NotificationKind> = [.orderShipped, .orderDelivered, .actionRequired]

    private let carrier: any TextMessageTransport
    private let shop: String
    private let wordings: Wordings

    /// - Parameter sender: of mail, whose name is the shop's.
    public init(carrier: any TextMessageTransport, sender: MailAddress, wordings: Wordings = .standard) {
        self.carrier = carrier
        shop = sender.shopName
        self.wordings = wordings
    }

    public func recipient(of news: OrderNews) -> String? {
        guard Self.kinds.contains(news.kind), news.wording(wordings, shop: shop).text != nil else { return nil }
        return news.shippingAddress?.phone.flatMap(PhoneNumber.international)
    }

    public func send(_ notification: OutgoingNotification) async throws(DeliveryError) {
        guard let text = notification.news.wording(wordings, shop: shop).text else { return }
        try await carrier.send(text, to: notification.recipient, id: notification.id)
    }
}

/// The outgoing transport for text messages.
public protocol TextMessageTransport: Sendable {
    /// Returns when another party has taken responsibility for the message.
    /// - Parameters:
    ///   - number: in the form of E.164.
    ///   - id: of the notification, for reports about what became of it.
    func send(_ text: String, to number: String, id: UUID) async throws(DeliveryError)
}

enum PhoneNumber {
    /// E.164: a plus sign and up to 15 digits. The shortest numbers in use have 7.
    private static let digits = 7...15

    /// As dialled from anywhere, `+4930123456`; nil for a number without its country's code.
    static func international(_ text: String) -> String? {
        let separators: Set<Character> = [" ", "\u{A0}", "-", "/", ".", "(", ")"]
        let number = text.filter { !separators.contains($0) }
        // "+49 (0)30": the zero is dialled within the country alone.
        guard number.hasPrefix("+"), !text.contains("(0)"), digits.contains(number.utf8.count - 1),
            number.utf8.dropFirst().allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), !number.hasPrefix("+0")
        else { return text.contains("(0)") ? international(text.replacing("(0)", with: "")) : nil }
        return number
    }
}
