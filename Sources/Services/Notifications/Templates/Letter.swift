import Contracts

/// A message to a customer, whatever its form: ``text`` and ``html`` say the same.
struct Letter: Sendable {
    struct Item: Sendable {
        let what: String
        /// Empty for none.
        let amount: String
    }

    struct Fact: Sendable {
        let label, value: String
    }

    let language: Language
    let shop: String
    let subject, heading: String
    /// The order's number, which is not broken at its hyphen.
    var number: String?
    var greeting: String?
    let opening: String
    /// On a separate line, so mail readers do not break it.
    var code: String?
    var items: [Item] = []
    var total: Fact?
    var facts: [Fact] = []
    var link: Fact?
    var address: (label: String, lines: [String])?
    /// Empty for none.
    let closing: String
    let footer: String
}

// MARK: - What it is made from

extension Letter {
    init(_ news: OrderNews, _ wordings: Wordings, shop: String) {
        let language = news.language
        let labels = wordings.labels(language)
        let wording = news.wording(wordings, shop: shop)
        self.init(
            language: language, shop: shop, subject: wording.subject, heading: wording.heading, opening: wording.opening, closing: wording.closing,
            footer: Wording.fill(labels.automatic, ["shop": shop]))
        number = news.number
        items = news.lines.map { Item(what: "\($0.quantity) × \($0.name)", amount: $0.total.map(language.amount) ?? "") }
        switch news.kind {
        case .orderConfirmed, .orderRejected, .actionRequired:
            total = news.total.map { Fact(label: labels.total, value: language.amount($0)) }
        case .orderRefunded:
            total = news.amount.map { Fact(label: labels.refund, value: language.amount($0)) }
        case .orderShipped, .orderDelivered, .orderCancelled, .returnRequested, .returnApproved, .returnRefused: break
        }
        if news.kind == .orderShipped {
            facts = [news.carrier.map { Fact(label: labels.carrier, value: $0) }, news.trackingNumber.map { Fact(label: labels.trackingNumber, value: $0) }].compactMap(\.self)
            link = news.trackingURL.map { Fact(label: labels.track, value: $0) }
        }
        if [.orderConfirmed, .orderShipped].contains(news.kind) {
            address = news.shippingAddress.map { (labels.shipsTo, $0.lines) }
        }
    }

    init(_ mail: AccountMail, token: String?, _ wordings: Wordings, shop: String) {
        let language = Language(locale: mail.locale)
        let labels = wordings.labels(language)
        let wording = (wordings.wording(mail.kind.rawValue, language) ?? Wording("", "", "")).filled(["shop": shop, "name": mail.name])
        self.init(
            language: language, shop: shop, subject: wording.subject, heading: wording.heading, opening: wording.opening, closing: wording.closing,
            footer: Wording.fill(labels.automatic, ["shop": shop]))
        greeting = Wording.fill(labels.hello, ["name": mail.name])
        code = token
    }
}

extension OrderNews {
    var language: Language { Language(locale: locale) }

    /// The wording, with the values of the news in place of its names.
    func wording(_ wordings: Wordings, shop: String) -> Wording {
        let labels = wordings.labels(language)
        let explanation = kind == .orderRejected ? wordings.reasons(language)[reason ?? ""] : reason
        let wording = wordings.wording(kind.rawValue, language) ?? Wording("", "", "")
        return wording.filled([
            "shop": shop, "number": number, "reason": explanation ?? "", "carrier": carrier ?? labels.someCarrier, "trackingNumber": trackingNumber ?? "",
            "tracking": trackingURL ?? "", "amount": amount.map(language.amount) ?? labels.someAmount,
        ])
    }
}
