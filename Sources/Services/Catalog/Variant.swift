import Contracts
import FoundationEssentials
import Input
import Messaging

/// The form of a product that is ordered, where there are several: each has its own SKU, and with that its own stock. A product with variants is not ordered itself.
struct Variant: Sendable, Equatable, Codable {
    static let maximumCount = 100
    static let maximumOptions = 10
    private static let optionLength = 1...100

    let sku: String
    /// Size, colour and the like.
    let options: [String: String]
    /// Nil to use the product's.
    let price: Money?

    /// The product's name with the options, as a cart shows it.
    func name(of product: String) -> String {
        let values = options.sorted { $0.key < $1.key }.map(\.value)
        return values.isEmpty ? product : "\(product) (\(values.joined(separator: ", ")))"
    }

    /// Why it cannot be stored; nil when it can be.
    fileprivate var flaw: String? {
        if !(1...64).contains(sku.count) || !sku.isSKU { return "must have a SKU of 1 to 64 ASCII letters, digits, '.', '_' and '-' each" }
        let texts = Array(options.keys) + options.values
        if !(1...Self.maximumOptions).contains(options.count) || texts.contains(where: { $0.hasControls() || !Self.optionLength.contains($0.unicodeScalars.count) }) {
            return "must have 1 to \(Self.maximumOptions) options each, of \(Self.optionLength.upperBound) characters at most, none of them a control character"
        }
        if let price, !(0...Money.maximumAmount).contains(price.amount) { return "must have prices from 0 to \(Money.maximumAmount)" }
        return price?.flaw.map { "must have prices that can be charged: \($0.field) \($0.detail)" }
    }

    /// Why they are invalid together, in a product with this SKU and currency.
    static func flaw(of variants: [Variant], sku: String, currency: String) -> String? {
        if variants.contains(where: { $0.price.map { $0.currency != currency } ?? false }) { return "must have prices in \(currency), as the product" }
        if variants.contains(where: { $0.sku == sku }) { return "must have SKUs other than the product's" }
        return nil
    }
}

struct VariantView: Sendable, Codable {
    let sku: String
    let options: [String: String]
    let price: Money
    let available: Int
}

extension Fields {
    /// - Parameter withStock: whether a variant may have its stock beside it, as in an import.
    mutating func variants(withStock: Bool = false) -> [Variant]? {
        guard let variants = optionalJSON("variants", [Variant].self, named: "a list of variants, each {sku, options, price?}", maximumBytes: 65_536) else {
            return nil
        }
        // Any other field is an error: a misspelt price would otherwise be the product's.
        _ = optionalList("variants", 0...Int.max) { variant in
            // Clients send back the list that they have read, which shows what is available.
            variant.accept("sku", "options", "available")
            if withStock { variant.accept("stock") }
            _ = variant.optionalObject("price") { $0.accept("amount", "currency") }
        }
        let composed = variants.map { variant in
            Variant(
                sku: variant.sku, options: Dictionary(variant.options.map { ($0.key.nfc, $0.value.nfc) }, uniquingKeysWith: { first, _ in first }),
                price: variant.price)
        }
        if composed.count > Variant.maximumCount { note("variants", "must be at most \(Variant.maximumCount)") }
        if let flaw = composed.lazy.compactMap(\.flaw).first { note("variants", flaw) }
        if Set(composed.map(\.sku)).count < composed.count { note("variants", "must have a SKU of their own each") }
        if Set(composed.map(\.options)).count < composed.count { note("variants", "must differ in their options") }
        return composed
    }
}

extension NewProduct {
    /// Its own SKU and those of its variants.
    var skus: [String] { [sku] + variants.map(\.sku) }
}

extension ProductFields {
    var skus: [String] { [sku] + variants.map(\.sku) }
}
