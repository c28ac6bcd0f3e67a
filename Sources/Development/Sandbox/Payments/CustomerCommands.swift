/// Reads commands about customers and their payment methods from parameters.
extension PaymentCommand {
    static func createCustomer(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .createCustomer(try customer(from: &reader))
    }

    static func changeCustomer(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .changeCustomer(id: id, try customer(from: &reader))
    }

    private static func customer(from reader: inout ParameterReader) throws(StripeError) -> StripeCustomer.Draft {
        StripeCustomer.Draft(
            email: try reader.text("email"), name: try reader.text("name"), phone: try reader.text("phone"), description: try reader.text("description"),
            paymentMethod: try reader.text("payment_method"), metadata: try reader.metadata())
    }

    /// `type=card` with a test token: the sandbox accepts no card numbers.
    static func createMethod(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        enum Kind: String, CaseIterable { case card }
        guard try reader.choice("type", of: Kind.self) != nil else { throw .missingParameter("type") }
        let token = try reader.requiredText("card[token]")
        guard let card = TestCard(token: token) else { throw .noSuch("token", token, parameter: "card[token]", status: 400) }
        return .createMethod(card, try reader.metadata())
    }
}
