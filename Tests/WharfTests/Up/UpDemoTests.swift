import FoundationEssentials
import Synchronization
import Testing
import WebClient

@testable import LocalState
@testable import ShopClient
@testable import Terminal
@testable import Up

@Suite struct DemoProductTests {
    @Test func `there are 60 products in 6 categories, as the catalogue accepts them`() {
        let products = DemoProduct.all
        #expect(products.count == 60)
        #expect(Set(products.map(\.category)).count == 6)
        #expect(Set(products.map(\.sku)).count == 60)
        #expect(Set(products.map(\.name)).count == 60)
        #expect(products.allSatisfy { $0.sku.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") } })
        #expect(products.allSatisfy { (100...1_000).contains($0.stock) && (100...20_000).contains($0.price) })
    }
}

@Suite struct DemoLoaderTests {
    /// Answers as a shop would, and records its requests.
    private final class Shop: HTTPTransport {
        let requests = Mutex<[WebRequest]>([])
        private let answer: @Sendable (WebRequest, Int) -> Int

        /// - Parameter answer: the status, from the request and how often its key came before.
        init(_ answer: @escaping @Sendable (WebRequest, Int) -> Int) { self.answer = answer }

        func send(_ request: WebRequest) async throws -> WebResponse {
            let key = Self.key(request)
            let earlier = requests.withLock { requests in
                defer { requests.append(request) }
                return requests.count { Self.key($0) == key }
            }
            return WebResponse(status: answer(request, earlier), body: Array(#"{"token":"t"}"#.utf8))
        }

        static func key(_ request: WebRequest) -> String? { request.headers.first { $0.name == "idempotency-key" }?.value }

        static func status(_ request: WebRequest) -> Int {
            switch request.method {
            case "POST": 201
            case "PUT": 200
            default: 204
            }
        }
    }

    private func loader(_ shop: Shop) -> DemoLoader {
        DemoLoader(transport: shop, url: "http://shop", email: "admin@wharf.example", password: "secret")
    }

    @Test func `each product is created and stocked, and the session ended`() async throws {
        let shop = Shop { request, _ in Shop.status(request) }
        try await loader(shop).load()
        let requests = shop.requests.withLock { $0 }
        #expect(requests.first?.url == "http://shop/v1/sessions")
        #expect(requests.count { $0.method == "POST" && $0.url == "http://shop/v1/products" } == 60)
        #expect(Set(requests.filter { $0.method == "PUT" }.map(\.url)).count == 60)
        #expect(requests.last?.url == "http://shop/v1/sessions/current")
    }

    @Test func `an existing product is not an error`() async throws {
        let shop = Shop { request, _ in request.url.hasSuffix("/products") ? 409 : Shop.status(request) }
        try await loader(shop).load()
    }

    @Test func `a temporary refusal is retried with the same key`() async throws {
        let shop = Shop { request, earlier in request.method == "PUT" && earlier == 0 ? 503 : Shop.status(request) }
        try await loader(shop).load([DemoProduct.example])
        let puts = shop.requests.withLock { $0.filter { $0.method == "PUT" } }
        #expect(puts.count == 2)
        #expect(Set(puts.map(Shop.key)).count == 1)
    }

    @Test func `a final refusal is reported`() async {
        let shop = Shop { request, _ in request.method == "PUT" ? 422 : Shop.status(request) }
        let error = await #expect(throws: UpError.self) { try await loader(shop).load([DemoProduct.example]) }
        #expect(error?.message.contains("status 422") == true)
    }
}
