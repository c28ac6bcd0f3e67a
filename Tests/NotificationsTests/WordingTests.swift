import Contracts
import FoundationEssentials
import TestKit
import Testing

@testable import Notifications

@Suite struct WordingTests {
    private func preview(_ wordings: Wordings = .standard) throws -> MailPreview {
        let sender = try #require(MailAddress("Harbour <shop@example.com>"))
        return MailPreview(EmailChannel(transport: ScriptedTransport(), sender: sender, wordings: wordings))
    }

    @Test(arguments: MailPreview.kinds, MailPreview.languages)
    func `each kind has a whole text in each language, as text and as HTML`(kind: String, language: String) throws {
        let mail = try #require(try preview().mail(kind, language))
        for text in [mail.subject, mail.text, mail.html.split(separator: "</style>").last.map(String.init) ?? ""] {
            #expect(!text.isEmpty && !text.contains("{") && !text.contains("}") && !text.contains("nil") && !text.contains("Optional"))
        }
        #expect(mail.html.contains("<html lang=\"\(language)\">") && mail.html.contains("prefers-color-scheme: dark"))
        #expect(!mail.html.contains("<script") && !mail.html.contains("<img") && !mail.html.contains("url("), "nothing is loaded")
        #expect(mail.text.contains("-- \n") && mail.text.contains("Harbour"))
        let known = try #require(Language(rawValue: language))
        let wording = try #require(Wordings.standard.wording(kind, known))
        for line in [wording.opening, wording.closing] {
            let fixed = line.prefix { $0 != "{" }
            #expect(mail.text.contains(fixed) && mail.html.contains(String(fixed).escapedForHTML))
        }
    }

    @Test(arguments: NotificationKind.allCases, MailPreview.languages)
    func `text messages are short, and name the shop and the order`(kind: NotificationKind, language: String) throws {
        let text = try preview().textMessage(kind.rawValue, language)
        #expect((text != nil) == [.orderShipped, .orderDelivered, .actionRequired].contains(kind))
        guard let text else { return }
        #expect(text.count <= 160 && text.hasPrefix("Harbour: ") && text.contains("W-1024") && !text.contains("{"))
    }

    @Test func `the languages have the same kinds, and different texts`() throws {
        #expect(Set(Wordings.english.keys) == Set(MailPreview.kinds) && Set(Wordings.german.keys) == Set(MailPreview.kinds))
        for kind in MailPreview.kinds { #expect(Wordings.english[kind] != Wordings.german[kind]) }
        #expect(Set(Wordings.englishReasons.keys) == Set(Wordings.germanReasons.keys))
    }

    @Test(arguments: [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en"), (nil, "en"), ("deutsch", "en")] as [(String?, String)])
    func `the language follows the customer's tag`(locale: String?, language: String) {
        #expect(Language(locale: locale).rawValue == language)
    }

    @Test(arguments: [
        (1_999, "EUR", "€19.99", "19,99 €"), (123_456_789, "EUR", "€1,234,567.89", "1.234.567,89 €"), (-500, "GBP", "-£5.00", "-5,00 £"), (5_000, "JPY", "5,000 JPY", "5.000 JPY"),
        (1_234, "KWD", "1.234 KWD", "1,234 KWD"), (0, "USD", "$0.00", "0,00 $"),
    ])
    func `amounts are written as readers of the language write them`(amount: Int, currency: String, english: String, german: String) {
        let money = Money(amount: amount, currency: currency)
        #expect(Language.english.amount(money) == english)
        #expect(Language.german.amount(money) == german)
    }

    @Test func `names that customers and carriers give are text, not markup and not a template`() throws {
        var news = OrderNews(kind: .orderShipped, orderID: UUID(), number: "W-1", email: try #require(MailAddress(bare: "a@example.com")))
        news.carrier = "{number} <b>&\"'"
        news.lines = [.init(name: "<script>{amount}</script>", quantity: 1, total: nil)]
        let letter = Letter(news, .standard, shop: "{carrier} & Söhne")
        #expect(letter.text.contains("to {number} <b>&\"'.") && letter.text.contains("1 × <script>{amount}</script>"))
        #expect(letter.html.contains("{number} &lt;b&gt;&amp;&quot;&#39;") && !letter.html.contains("<script>") && letter.html.contains("{carrier} &amp; Söhne"))
    }

    @Test func `values that the news does not have are replaced by other words, or left out`() throws {
        let news = OrderNews(kind: .orderShipped, orderID: UUID(), number: "W-1", email: try #require(MailAddress(bare: "a@example.com")))
        let letter = Letter(news, .standard, shop: "Harbour")
        #expect(letter.opening == "We have handed these items from your order W-1 to the carrier.")
        #expect(letter.items.isEmpty && letter.total == nil && letter.facts.isEmpty && letter.link == nil && letter.address == nil)
        #expect(news.wording(.standard, shop: "Harbour").text == "Harbour: a parcel from your order W-1 is on its way with the carrier.")
    }

    @Test(arguments: [
        ("https://t.example/?n=1&m=%20", true), ("http://t.example", true), ("javascript:alert(1)", false), ("https://", false), ("//t.example", false), ("https://t.example/\"x", false),
        ("https://t.example/a b", false), ("data:text/html,x", false), ("t.example", false), ("https://t.example/" + String(repeating: "x", count: 2_000), false),
    ])
    func `a link in a mail leads to the Web`(address: String, isOne: Bool) {
        #expect(WebAddress.isValid(address) == isOne)
    }

    @Test(arguments: [("DE", nil, "10115 Berlin"), ("IT", "RM", "10115 Berlin RM"), ("US", "NY", "Berlin NY 10115"), ("GB", nil, "Berlin 10115")] as [(String, String?, String)])
    func `an address is written as its country writes it`(country: String, region: String?, place: String) {
        let address = Address(name: "Ada", line1: "1 Street", city: "Berlin", region: region, postalCode: "10115", country: country)
        #expect(address.lines == ["Ada", "1 Street", place, country])
    }

    // MARK: A shop's own wordings

    private func folder(_ files: [String: String]) throws -> String {
        let folder = TestServers.folder("wordings")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        return folder
    }

    @Test func `a shop replaces what it names, and keeps the rest`() throws {
        let folder = try folder(["orderShipped.de.json": #"{"subject": "{shop}: {number} rollt"}"#, ".hidden": ""])
        let preview = try preview(try WordingFolder.read(folder))
        #expect(preview.mail("orderShipped", "de")?.subject == "Harbour: W-1024 rollt")
        #expect(preview.mail("orderShipped", "de")?.text.contains("haben wir an DHL übergeben.") == true)
        #expect(preview.mail("orderShipped", "en")?.subject == "A parcel from your order W-1024 is on its way")
    }

    @Test(arguments: [
        ("orderShipped.json", "{}"), ("orderShipped.fr.json", "{}"), ("orderLost.en.json", "{}"), ("orderShipped.en.json", "["), ("orderShipped.en.json", #"{"subject": 1}"#),
        ("orderShipped.en.json", #"{"subject": "{nummer}"}"#), ("orderShipped.en.json", #"{"subject": "\u0007"}"#),
    ])
    func `a file that would be overlooked or misread is an error that names it`(name: String, text: String) throws {
        let folder = try folder([name: text])
        let error = #expect(throws: WordingFolder.Misfit.self) { try WordingFolder.read(folder) }
        #expect(error?.message.hasPrefix(name) == true)
    }
}
