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
        let query = PriceQuery(skus: skus, availability: availability)
        let list: PriceList? = try await RequestClient.answer(to: query, MessageName.price, id: randomness.uuid(), within: Self.timeout, by: ask)
        return list.map { Dictionary($0.items.map { ($0.sku, $0) }, uniquingKeysWith: { first, _ in first }) }
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
