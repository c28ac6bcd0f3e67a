import Contracts
import FoundationEssentials
import JSON
import Messaging
import Runtime

/// The products for sale, by SKU.
typealias Offers = [String: PriceList.Entry]

/// Current prices, from the catalog.
public struct Pricing: Sendable {
    /// A customer waits for the answer; after this the catalog counts as unavailable.
    static let timeout: Duration = .seconds(2)

    let ask: RequestClient.Ask
    let randomness: any Randomness

    /// One request for a whole batch; nil when the catalog does not answer. SKUs that are not for sale are missing from the answer.
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
    static let catalogAway = Problem.unavailable("Prices are unavailable at the moment.")
    static let cartOrdered = Problem.conflict("cart-ordered", "The cart is already ordered.")
    static let mixedCurrencies = Problem.conflict("mixed-currencies", "A cart holds products in one currency.")

    static func preconditionFailed(_ what: String) -> Problem {
        Problem(
            "precondition-failed", title: "Precondition failed", status: 412,
            detail: "The \(what) has changed since it was read.")
    }
}
