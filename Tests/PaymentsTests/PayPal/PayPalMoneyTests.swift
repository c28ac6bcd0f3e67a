import Contracts
import Testing

/// PayPal's amounts are strings; they never become floating-point numbers.
@Suite struct PayPalMoneyTests {
    @Test(arguments: [
        ("EUR", 1_999, "19.99"), ("EUR", 5, "0.05"), ("EUR", 50, "0.50"), ("EUR", 0, "0.00"), ("USD", Money.maximumAmount, "999999.99"), ("JPY", 1_999, "1999"),
        ("HUF", 199_900, "1999"), ("TWD", 100, "1"), ("GBP", 100, "1.00"),
    ])
    func `an amount is written with the decimals that PayPal expects, and read back`(currency: String, amount: Int, text: String) {
        #expect(Money(amount: amount, currency: currency).payPalText == text)
        #expect(Money(payPalText: text, currency: currency)?.amount == amount)
    }

    @Test func `every amount is read as it was written`() {
        for code in ["EUR", "JPY", "HUF"] {
            guard let currency = PayPalCurrency(code) else {
                Issue.record("\(code) is missing")
                continue
            }
            for units in Array(0...1_200) + [99_999, 1_000_000, 99_999_900] {
                let amount = units * currency.step
                #expect(currency.text(amount).flatMap(currency.amount) == amount)
            }
        }
    }

    @Test(arguments: ["ISK", "KWD", "UGX", "INR", "XXX", "eur", ""])
    func `a currency that PayPal does not accept is refused by name`(currency: String) {
        let money = Money(amount: 1_000, currency: currency)
        #expect(money.payPalText == nil)
        #expect(money.flaw(at: .paypal)?.field == "currency")
    }

    @Test(arguments: [("HUF", 199_950), ("TWD", 1), ("EUR", -1)])
    func `an amount that PayPal cannot express is not rounded`(currency: String, amount: Int) {
        #expect(Money(amount: amount, currency: currency).payPalText == nil)
    }

    @Test(arguments: [
        ("EUR", "19.9", 1_990), ("EUR", "19", 1_900), ("EUR", "19.990", 1_999), ("JPY", "19.00", 19), ("HUF", "19.0", 1_900), ("EUR", "007.10", 710),
    ])
    func `further spellings of an amount are read exactly`(currency: String, text: String, amount: Int) {
        #expect(Money(payPalText: text, currency: currency)?.amount == amount)
    }

    @Test(arguments: [
        ("EUR", "19.999"), ("JPY", "19.5"), ("HUF", "19.01"), ("EUR", ""), ("EUR", "."), ("EUR", ".5"), ("EUR", "5."), ("EUR", "-1.00"), ("EUR", "+1.00"), ("EUR", "1e3"),
        ("EUR", "1,00"), ("EUR", " 1.00"), ("EUR", "1.0.0"), ("EUR", "٣.00"), ("EUR", "99999999999999999999.00"), ("HUF", "999999999999999999"), ("EUR", "0x10"), ("XXX", "1.00"),
        ("EUR", "000000000000000000000000000000001"),
    ])
    func `a text that is not exactly an amount is rejected`(currency: String, text: String) {
        #expect(Money(payPalText: text, currency: currency) == nil)
    }

    @Test(arguments: [
        ("https://shop.example/back?order=1", true), ("http://127.0.0.1:8080/back", true), ("http://localhost/back", true), ("http://shop.example/back", false),
        ("javascript:alert(1)", false), ("https://user@shop.example/", false), ("https://user:pw@shop.example/", false), ("https:///back", false), ("https://shop.example/#x", false),
        ("https://shop.example/ä", false), ("https://shop.example/a b", false), ("//shop.example", false), ("https://shop.example/\"", false), ("", false),
    ])
    func `a browser is sent back only to pages over TLS, or to this machine`(url: String, isValid: Bool) {
        #expect(ReturnURL.isValid(url) == isValid)
    }
}
