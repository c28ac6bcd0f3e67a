import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

struct CartView: Sendable, Codable {
    struct Line: Sendable, Codable {
        let sku: String
        let name: String
        let quantity: Int
        let unitPrice: Money
        let lineTotal: Money
        let slug: String?
        let image: Image?
        /// Pieces that can be ordered now; nil while the catalog does not answer.
        let available: Int?
        /// False for an item that is no longer for sale; nil for one that is.
        let forSale: Bool?
        /// What differed when it was put in the cart; nil where nothing did.
        let was: Was?
    }

    struct Was: Sendable, Codable, Equatable {
        let name: String?
        let unitPrice: Money?
    }

    /// A quantity that was lowered to the cart's maximum when two carts were merged.
    struct Capped: Sendable, Codable, Equatable {
        let sku: String
        let requested: Int
        let quantity: Int
    }

    /// The currency of an empty cart's total.
    static let standardCurrency = "EUR"

    @PublicID var id: UUID
    let items: [Line]
    let total: Money
    let capped: [Capped]?
    let expiresAt: Date
}

extension CartView.Line {
    /// The line at current offers. Without offers, because the catalog does not answer, it is shown as it was put in the cart.
    init(_ line: OrderLine, _ offers: Offers?) {
        let offer = offers?[line.sku]
        let now = OrderLine(
            sku: line.sku, name: offer?.name ?? line.name, quantity: line.quantity, unitPrice: offer?.price ?? line.unitPrice, slug: offer?.slug,
            image: offer?.image)
        let isGone = offers != nil && offer == nil
        let was = CartView.Was(name: now.name == line.name ? nil : line.name, unitPrice: now.unitPrice == line.unitPrice ? nil : line.unitPrice)
        self.init(
            sku: now.sku, name: now.name, quantity: now.quantity, unitPrice: now.unitPrice, lineTotal: now.lineTotal, slug: now.slug, image: now.image,
            available: isGone ? 0 : offer?.available, forSale: isGone ? false : nil, was: was == CartView.Was(name: nil, unitPrice: nil) ? nil : was)
    }
}

extension CartRow {
    /// Length of the digest in the tag: enough to distinguish two states of one version.
    private static let tagLength = 16

    /// The cart at these offers. Its tag is the version, which its owner changes, and a digest of the rest.
    func reply(_ offers: Offers?, capped: [CartView.Capped]? = nil) throws -> Reply {
        let view = view(offers, capped: capped)
        let rest = SHA256.hex(try JSON.encode(view.items)).prefix(Self.tagLength)
        return try Reply(headers: ["etag": "\"\(version)-\(rest)\""], json: view)
    }

    func view(_ offers: Offers?, capped: [CartView.Capped]? = nil) -> CartView {
        let items = lines.map { CartView.Line($0, offers) }
        let currency = items.first?.unitPrice.currency ?? CartView.standardCurrency
        // A line whose price is in another currency by now is not counted; the checkout rejects it.
        let total = items.reduce(0) { $0 + ($1.unitPrice.currency == currency ? $1.lineTotal.amount : 0) }
        return CartView(id: id, items: items, total: Money(amount: total, currency: currency), capped: capped, expiresAt: expiresAt)
    }
}
