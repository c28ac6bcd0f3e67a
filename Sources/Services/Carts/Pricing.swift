import Contracts
import FoundationEssentials
import JSON
import Messaging
import Runtime

/// What is for sale, by SKU.
typealias Offers = [String: PriceList.Entry]

/// What things cost, as the catalog says at this moment.
public struct Pricing: Sendable {
    public typealias Ask = @Sendable (Request, Durability, Duration) async throws -> Reply
    /// A customer waits for the answer; past this the catalog counts as away.
    static let timeout: Duration = .seconds(2)

    let ask: Ask
    let randomness: any Randomness

    /// One question for a whole batch; nil when the catalog does not answer. What is not for sale is not in the answer.
    func prices(of skus: [String], availability: Bool = false) async throws -> Offers? {
        guard !skus.isEmpty else { return [:] }
        let body = try JSON.encode(PriceQuery(skus: skus, availability: availability))
        let request = Request(id: randomness.uuid(), operation: MessageName.price, body: body)
        do {
            let reply = try await ask(request, .query, Self.timeout)
            guard reply.status == 200 else { return nil }
            let list: PriceList = try JSON.decode(from: reply.body)
            return Dictionary(list.items.map { ($0.sku, $0) }, uniquingKeysWith: { first, _ in first })
        } catch is RequestClient.Unanswered {
            return nil
        }
    }
}

extension Problem {
    static let catalogAway = Problem.unavailable("The catalog cannot tell prices at the moment.")
    static let cartOrdered = Problem.conflict("cart-ordered", "The cart is already ordered.")
    static let mixedCurrencies = Problem.conflict("mixed-currencies", "A cart holds products in one currency.")

    static func preconditionFailed(_ what: String) -> Problem {
        Problem(
            "precondition-failed", title: "Precondition failed", status: 412,
            detail: "The \(what) has changed since it was read.")
    }
}
