import JSON
import Testing

@testable import Sandbox

@Suite("Parameters")
struct ParameterTests {
    static func command(
        _ form: String,
        _ parse: (inout ParameterReader) throws(StripeError) -> PaymentCommand = { reader throws(StripeError) in
            try PaymentCommand.create(from: &reader)
        }
    ) throws(StripeError) -> PaymentCommand {
        var reader = ParameterReader(try FormParameters(decoding: form.utf8))
        let command = try parse(&reader)
        try reader.finish()
        return command
    }

    @Test("are read as Stripe's clients write them")
    func whole() throws {
        let form =
            "amount=1999&currency=EUR&payment_method=pm_card_visa&confirm=true&capture_method=manual&metadata[order_id]=4%202&"
            + "metadata%5Bnote%5D=a+b&description=%C3%A9&payment_method_types[]=card&payment_method_types[1]=link&"
            + "automatic_payment_methods[enabled]=true&return_url=https%3A%2F%2Fshop.test%2Fback&off_session=false&customer=cus_1&receipt_email=a%40b&shipping[name]=Ada&shipping[address][line1]=1+Way"
        var terms = PaymentIntent.Terms()
        (terms.automaticMethods, terms.receiptEmail, terms.shipping) = (true, "a@b", ["name": "Ada", "address][line1": "1 Way"])
        let expected = PaymentDraft(
            amount: 1_999, currency: "eur", captureMethod: .manual, paymentMethod: "pm_card_visa", customer: "cus_1", description: "é",
            metadata: ["order_id": "4 2", "note": "a b"], paymentMethodTypes: ["card", "link"], returnURL: "https://shop.test/back",
            confirm: true, terms: terms)
        #expect(try Self.command(form) == .create(expected))
    }

    @Test(
        "that are wrong are refused by name",
        arguments: [
            ("currency=eur", "parameter_missing", "amount"),
            ("amount=1", "parameter_missing", "currency"),
            ("amount=x&currency=eur", "parameter_invalid_integer", "amount"),
            ("amount=0&currency=eur", "parameter_invalid_integer", "amount"),
            ("amount=-5&currency=eur", "parameter_invalid_integer", "amount"),
            ("amount=100000000&currency=eur", "parameter_invalid_integer", "amount"),
            ("amount=9223372036854775808&currency=eur", "parameter_invalid_integer", "amount"),
            ("amount=&currency=eur", "parameter_invalid_empty", "amount"),
            ("amount=1&amount=2&currency=eur", nil, "amount"),
            ("amount=1&currency=euro", nil, "currency"),
            ("amount=1&currency=eur&confirm=yes", nil, "confirm"),
            ("amount=1&currency=eur&confirm=true", "parameter_missing", "payment_method"),
            ("amount=1&currency=eur&capture_method=later", nil, "capture_method"),
            ("amount=1&currency=eur&return_url=javascript:1", nil, "return_url"),
            ("amount=1&currency=eur&colour=red", "parameter_unknown", "colour"),
            ("amount=1&currency=eur&metadata=1", "parameter_unknown", "metadata"),
            ("amount=1&currency=eur&metadata[a][b]=1", "parameter_unknown", "metadata[a][b]"),
            (
                "amount=1&currency=eur&metadata[\(String(repeating: "k", count: 41))]=1", nil,
                "metadata[\(String(repeating: "k", count: 41))]"
            ),
            ("amount=1&currency=eur&metadata[k]=\(String(repeating: "v", count: 501))", nil, "metadata[k]"),
        ] as [(String, String?, String)])
    func refused(form: String, code: String?, parameter: String) {
        let error = #expect(throws: StripeError.self) { try Self.command(form) }
        #expect(error?.status == 400)
        #expect(error?.code == code)
        #expect(error?.parameter == parameter)
    }

    @Test("that cannot be decoded are refused", arguments: ["amount=%", "amount=%4", "amount=%zz", "amount=%FF", "%C3=1"])
    func undecodable(form: String) {
        #expect(throws: StripeError.self) { try FormParameters(decoding: form.utf8) }
    }

    @Test("may be 200 and no more")
    func bound() throws {
        let form = { (count: Int) in (0..<count).map { "metadata[\($0)]=1" }.joined(separator: "&") }
        #expect(try FormParameters(decoding: form(200).utf8).entries.count == 200)
        #expect(throws: StripeError.self) { try FormParameters(decoding: form(201).utf8) }
    }

    @Test("have the same fingerprint in any order, and another one with any change")
    func fingerprint() throws {
        func bytes(_ form: String) throws -> [UInt8] { try FormParameters(decoding: form.utf8).canonicalBytes }
        #expect(try bytes("a=1&b=2") == bytes("b=2&a=1"))
        #expect(try bytes("a=1&b=2") != bytes("a=1&b=3"))
        #expect(try bytes("a=1&b=2") != bytes("a=1%26b%3D2"))
        #expect(try bytes("a=12") != bytes("a1=2"))
    }

    @Test("of a capture, a cancellation and a refund")
    func others() throws {
        #expect(
            try Self.command("amount_to_capture=5") { reader throws(StripeError) in try PaymentCommand.capture("pi_1", from: &reader) }
                == .capture(id: "pi_1", amount: 5))
        #expect(
            try Self.command("cancellation_reason=abandoned") { reader throws(StripeError) in
                try PaymentCommand.cancel("pi_1", from: &reader)
            }
                == .cancel(id: "pi_1", .abandoned))
        #expect(
            try Self.command("payment_intent=pi_1&reason=duplicate") { reader throws(StripeError) in
                try PaymentCommand.refund(from: &reader)
            }
                == .refund(RefundDraft(paymentIntent: "pi_1", reason: .duplicate)))
        #expect(throws: StripeError.missingParameter("payment_intent")) {
            try Self.command("amount=1") { reader throws(StripeError) in try PaymentCommand.refund(from: &reader) }
        }
    }

    @Test("are written back as JSON that any text survives")
    func writing() throws {
        let text = "quote \" backslash \\ newline \n tab \t bell \u{7} é 🚢"
        let bytes = JSONWriter.object { writer in
            writer.field("text", text)
            writer.field("none", nil as String?)
            writer.field("list") { $0.array(["a", "b"]) { $0.value($1) } }
            writer.field("number", -7)
        }
        let json = try JSON(parsing: String(decoding: bytes, as: UTF8.self))
        #expect(json == .object(["text": .text(text), "none": .null, "list": .list([.text("a"), .text("b")]), "number": .number(-7)]))
    }
}
