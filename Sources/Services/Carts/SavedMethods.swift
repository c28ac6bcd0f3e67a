import Contracts
import FoundationEssentials
import JSON
import Messaging
import Runtime
import Secrets

/// The payment methods that signed-in customers have saved, from payments.
struct SavedMethods: Sendable {
    /// Timeout: a customer waits for the answer. After this, payments counts as unavailable.
    static let timeout: Duration = .seconds(2)

    let ask: RequestClient.Ask
    let randomness: any Randomness

    /// One request for a whole batch, and none if no checkout names a saved method; nil when payments does not answer.
    func find(_ references: [SavedMethodQuery.Reference]) async throws -> [SavedMethodQuery.Reference: SavedMethodList.Entry]? {
        guard !references.isEmpty else { return [:] }
        let query = SavedMethodQuery(methods: Array(Set(references)))
        let list: SavedMethodList? = try await RequestClient.answer(to: query, MessageName.findPaymentMethods, id: randomness.uuid(), within: Self.timeout, by: ask)
        return list.map { Dictionary($0.items.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first }) }
    }
}

extension PaymentChoice {
    /// Ids of saved methods are UUIDs of this shop; gateways' ids are never UUIDs.
    private var savedID: UUID? { gateway.savesMethods ? UUID(text: paymentMethod) : nil }

    /// The saved method that a signed-in customer names; nil for any other method.
    func saved(by caller: Caller?) -> SavedMethodQuery.Reference? {
        guard let caller, let savedID else { return nil }
        return SavedMethodQuery.Reference(id: savedID, userID: caller.id)
    }

    /// The choice with the gateway's ids in place of the saved method's; nil if the customer has no such method.
    func resolved(for caller: Caller?, _ known: [SavedMethodQuery.Reference: SavedMethodList.Entry]) -> PaymentChoice? {
        guard savedID != nil else { return self }
        guard let reference = saved(by: caller), let method = known[reference], method.gateway == gateway else { return nil }
        var choice = PaymentChoice(gateway: gateway, paymentMethod: method.method)
        choice.gatewayCustomer = method.customer
        return choice
    }
}

extension Problem {
    static let noMethod = Problem.invalidInput("payment.paymentMethod", "is not one of your saved payment methods")
    static let methodsAway = Problem.unavailable("Saved payment methods are unavailable at the moment.")
}
