import Contracts
import FoundationEssentials
import Messaging
import Testing

@testable import Input

@Suite struct `Fields of a request` {
    private func read<T>(_ body: String, _ parameters: [String: String] = [:], _ read: (inout Fields) throws -> T) throws -> T {
        try Fields.read(Request(id: UUID(), operation: "a.b", parameters: parameters, body: Array(body.utf8)), read)
    }

    private func errors<T>(_ body: String, _ parameters: [String: String] = [:], _ read: (inout Fields) throws -> T) -> [String] {
        do {
            _ = try self.read(body, parameters, read)
            return []
        } catch {
            return (error as? Problem)?.errors?.map(\.field) ?? ["?"]
        }
    }

    @Test(arguments: [
        "a\\u0000b", "a\\u001b[31mb", "a\\nb", "a\\rb", "a\\tb", "a\\u007fb", "a\\u0085b", "a\\u2028b", "a\\u2029b",
        "a\\u202eb", "a\\u202ab", "a\\u2066b",
    ])
    func `control characters are rejected in a text`(text: String) {
        #expect(errors(#"{"name": "\#(text)"}"#) { $0.text("name") } == ["name"])
    }

    @Test(arguments: ["\\u200b\\u200b", "\\u00a0", "\\u2060 \\ufeff", "\\u3164", " \\u200d"])
    func `a text without visible characters is empty`(text: String) {
        #expect(errors(#"{"name": "\#(text)"}"#) { $0.text("name") } == ["name"])
    }

    @Test(arguments: ["👩‍👧", "می‌خواهم", "\u{200F}שלום\u{200E}!"])
    func `joiners and marks of direction stay where a text needs them`(text: String) throws {
        #expect(try read(#"{"name": "\#(text)"}"#) { $0.text("name") } == text)
    }

    @Test func `a multi-line text may have line breaks and tabs, and no other control characters`() throws {
        #expect(try read(#"{"about": "a\r\n\tb"}"#) { $0.optionalText("about", lines: true) } == "a\r\n\tb")
        for text in ["a\\u001bb", "a\\u0000b", "a\\u0007b"] {
            #expect(errors(#"{"about": "\#(text)"}"#) { $0.optionalText("about", lines: true) } == ["about"])
        }
    }

    @Test(arguments: ["limit", "x"])
    func `control characters are rejected in a parameter`(name: String) {
        #expect(errors("", [name: "a\u{1B}b"]) { $0.parameter(name) } == [name])
    }

    @Test func `text is normalised to one form`() throws {
        let composed = try read(#"{"name": "Caf\u00e9 \uac00"}"#) { $0.text("name") }
        let decomposed = try read(#"{"name": "  Cafe\u0301 \u1100\u1161 "}"#) { $0.text("name") }
        #expect(Array(composed.utf8) == Array(decomposed.utf8))
        #expect(Array(try read("", ["search": "e\u{301}"]) { $0.parameter("search") }.utf8) == [0xC3, 0xA9])
    }

    @Test func `null clears in a merge patch, and is distinguished from an omitted field`() throws {
        #expect(try read(#"{"a": null}"#) { ($0.clears("a"), $0.clears("b")) } == (true, false))
        #expect(
            errors(#"{"a": null, "b": 1}"#) { fields in
                fields.refuseNull("a", "b", "c")
                _ = fields.optionalInteger("b", 0...1)
            } == ["a"])
    }

    @Test(arguments: [
        (#"{"amount": 1999, "currency": "EUR"}"#, []), (#"{"amount": 5000, "currency": "UGX"}"#, []), (#"{"amount": 1230, "currency": "KWD"}"#, []),
        (#"{"amount": 2e3, "currency": "EUR"}"#, []), (#"{"amount": 1999.99999999999999, "currency": "EUR"}"#, ["price.amount"]),
        (#"{"amount": 1e-400, "currency": "EUR"}"#, ["price.amount"]), (#"{"amount": 1234, "currency": "KWD"}"#, ["price.amount"]),
        (#"{"amount": 150, "currency": "MGA"}"#, ["price.amount"]), (#"{"amount": 1, "currency": "ABC"}"#, ["price.currency"]),
        (#"{"amount": 1, "currency": "eur"}"#, ["price.currency"]), (#"{"amount": 1, "currency": "XAU"}"#, ["price.currency"]),
        (#"{"amount": 1, "currency": "KPW"}"#, ["price.currency"]), (#"{"amount": 1, "currency": "HRK"}"#, ["price.currency"]),
        (#"{"amount": -1, "currency": "ABC"}"#, ["price.amount", "price.currency"]), (#"{"amount": 1}"#, ["price.currency"]),
    ])
    func `money is an amount that can be charged`(money: String, fields: [String]) {
        #expect(errors(#"{"price": \#(money)}"#) { $0.money("price") } == fields)
    }

    @Test(arguments: [
        (#""country": "DE", "postalCode": "10115""#, []), (#""country": "DE""#, ["a.postalCode"]), (#""country": "HK""#, []), (#""country": "AE""#, []),
        (#""country": "QA", "postalCode": "0""#, []), (#""country": "IE""#, []), (#""country": "US", "postalCode": "10118", "region": "NY""#, []),
        (#""country": "US", "postalCode": "10118""#, ["a.region"]), (#""country": "CA""#, ["a.postalCode", "a.region"]),
        (#""country": "UK", "postalCode": "SW1Y 4JH""#, ["a.country"]), (#""country": "ZZ""#, ["a.country"]), (#""country": "XK""#, ["a.country"]),
        (#""country": "gb""#, ["a.country"]), (#""country": 49"#, ["a.country"]), ("", ["a.country"]), (#""country": "DE", "postalCode": 10115"#, ["a.postalCode"]),
        (#""country": "GB", "postalCode": "SW1Y 4JH", "company": "A\u001b""#, ["a.company"]), (#""country": "GB", "postalCode": "1\n2""#, ["a.postalCode"]),
        (#""country": "HK", "phone": "+852 1234 5678", "company": "C", "region": "Kowloon", "line2": "2""#, []), (#""country": "HK", "state": "x""#, ["a.state"]),
    ])
    func `an address has the fields that its country needs`(more: String, fields: [String]) {
        let body = #"{"a": {"name": "Ada", "line1": "1", "city": "C"\#(more.isEmpty ? "" : ", ")\#(more)}}"#
        #expect(errors(body) { $0.address("a") } == fields)
    }

    @Test func `all of an address is read`() throws {
        let body = """
            {"a": {"name": "Grace Hopper", "company": "Harbour Goods", "line1": "350 Fifth Avenue", "line2": "Floor 5", "city": "New York", "region": "NY",
             "postalCode": "10118", "country": "US", "phone": "+1 212 555 0100"}}
            """
        let address = try read(body) { $0.address("a") }
        #expect(
            address
                == Address(
                    name: "Grace Hopper", company: "Harbour Goods", line1: "350 Fifth Avenue", line2: "Floor 5", city: "New York", region: "NY", postalCode: "10118",
                    country: "US", phone: "+1 212 555 0100"))
        #expect(address.lines == ["Grace Hopper", "Harbour Goods", "350 Fifth Avenue", "Floor 5", "New York NY 10118", "US"])
    }
}

@Suite struct `Currencies and countries` {
    @Test(arguments: [
        ("EUR", 1999, 1999), ("JPY", 500, 500), ("UGX", 5000, 500_000), ("ISK", 5, 500), ("KWD", 1230, 1230), ("MGA", 5000, 50), ("HUF", 1045, 1045),
        ("TWD", 80_045, 80_045), ("XOF", 1, 1),
    ])
    func `an amount is sent in Stripe's units, and read back unchanged`(currency: String, amount: Int, sent: Int) throws {
        let money = Money(amount: amount, currency: currency)
        #expect(money.stripeAmount == sent)
        #expect(Money(stripeAmount: sent, currency: currency.lowercased()) == money)
    }

    @Test(arguments: [("KWD", 1234), ("MGA", 5050), ("ABC", 1), ("KPW", 100), ("UGX", .max)])
    func `an amount that Stripe cannot express is not sent`(currency: String, amount: Int) {
        #expect(Money(amount: amount, currency: currency).stripeAmount == nil)
    }

    @Test(arguments: [("ugx", 50), ("isk", 101), ("abc", 1), ("mga", .max)])
    func `an amount that Wharf cannot express is not read as another`(currency: String, amount: Int) {
        #expect(Money(stripeAmount: amount, currency: currency) == nil)
    }

    @Test func `each currency converts there and back, by a factor of its own`() {
        for currency in Currency.all {
            guard let gateway = StripeCurrency(currency.code) else { continue }
            for amount in [0, gateway.step, gateway.minimum, 9_999_900] {
                #expect(gateway.gatewayAmount(amount).flatMap(gateway.amount(fromGateway:)) == amount)
            }
            #expect(gateway.minimum.isMultiple(of: gateway.step))
        }
        #expect(Currency.all.count == 155)
        #expect(Currency.all.count { StripeCurrency($0.code) != nil } == 137)
    }

    @Test func `there are 249 countries, and no other codes`() {
        #expect(Country.all.count == 249)
        #expect(["UK", "ZZ", "XK", "EU", "AN", "SU", "de", "", "DEU"].allSatisfy { Country($0) == nil })
        #expect(["HK", "AE", "QA", "IE", "PA"].allSatisfy { Country($0)?.needsPostalCode == false })
        #expect(["US", "CA", "GB", "DE", "FR", "JP", "CN", "IN"].allSatisfy { Country($0)?.needsPostalCode == true })
        #expect(Country.all.filter(\.needsRegion).map(\.code) == ["AU", "BR", "CA", "CN", "IN", "JP", "MX", "US"])
    }
}
