import Contracts
import FoundationEssentials
import Testing

@testable import Carts
@testable import JSON

@Suite struct ViewTests {
    private static let price = Money(amount: 250, currency: "EUR")

    private static func view(_ line: CartView.Line, capped: [CartView.Capped]? = nil) -> CartView {
        CartView(id: UUID(), items: [line, line], total: price, capped: capped, expiresAt: Date(timeIntervalSince1970: 1_800_000_000.25))
    }

    private static var plain: CartView.Line { .init(OrderLine(sku: "tea", name: "Tea \"1\"", quantity: 2, unitPrice: price), nil) }

    private static var complete: CartView.Line {
        .init(
            sku: "tea", name: "Tea", quantity: 2, unitPrice: price, lineTotal: Money(amount: 500, currency: "EUR"), slug: "tea",
            image: Image(url: "https://shop.example/tea.jpg", alt: "Tea"), available: 3, forSale: false, was: .init(name: "Té", unitPrice: Money(amount: 1, currency: "USD")))
    }

    private static var views: [CartView] {
        [view(plain), view(complete, capped: [.init(sku: "tea", requested: 1_200, quantity: 999)]), CartView(id: UUID(), items: [], total: price, capped: [], expiresAt: Date())]
    }

    @Test(arguments: views)
    func `a cart encodes itself as Codable would`(_ view: CartView) throws {
        #expect(try String(decoding: JSON.encode(view), as: UTF8.self) == String(decoding: JSONOutline.bytes(of: view), as: UTF8.self))
    }

    @Test func `a cart expires on the hour, no earlier than 30 days after its last change and no later than an hour after that`() {
        let hour = Date(timeIntervalSince1970: 1_800_000_000)
        for seconds in [0.0, 0.001, 1, 3_599.999] {
            #expect(Store.expiry(from: hour.addingTimeInterval(seconds)) == hour.addingTimeInterval(Store.lifetime + (seconds > 0 ? 3_600 : 0)))
        }
    }
}
