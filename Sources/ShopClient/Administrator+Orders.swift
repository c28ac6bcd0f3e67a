import FoundationEssentials
import Terminal
import WebClient

/// What the shop's staff does with orders. Each call is repeated until it gets a final answer, which is returned whatever its status.
extension Administrator {
    package struct Piece: Sendable, Hashable, Codable {
        package let sku: String
        package let quantity: Int

        package init(sku: String, quantity: Int) {
            self.sku = sku
            self.quantity = quantity
        }
    }

    /// - Parameter pieces: The contents of the parcel; nil for all that is left.
    package func ship(_ order: UUID, trackingNumber: String, pieces: [Piece]?) async throws -> WebResponse {
        struct Parcel: Encodable { let carrier, trackingNumber: String; let lines: [Piece]? }
        return try await post(order, "shipments", Parcel(carrier: "DHL", trackingNumber: trackingNumber, lines: pieces))
    }

    package func deliver(_ order: UUID) async throws -> WebResponse {
        try await shop.answer(to: Shop.Call(method: "POST", path: "/v1/orders/\(order.text)/delivery", token: token))
    }

    package func cancel(_ order: UUID) async throws -> WebResponse {
        try await shop.answer(to: Shop.Call(method: "POST", path: "/v1/orders/\(order.text)/cancellation", token: token))
    }

    /// - Parameter amount: The amount in minor units; nil for all that is left.
    package func refund(_ order: UUID, amount: Int?) async throws -> WebResponse {
        struct New: Encodable { let amount: Int?; let reason: String }
        return try await post(order, "refunds", New(amount: amount, reason: "a complaint"))
    }

    package func approve(return id: UUID) async throws -> WebResponse {
        try await shop.answer(to: Shop.Call(method: "POST", path: "/v1/returns/\(id.text)/approval", token: token))
    }

    package func refuse(return id: UUID) async throws -> WebResponse {
        try await shop.answer(to: Shop.Call(method: "POST", path: "/v1/returns/\(id.text)/rejection", token: token))
    }

    package func receive(return id: UUID, restock: Bool) async throws -> WebResponse {
        struct Receipt: Encodable { let restock: Bool }
        return try await shop.answer(to: .send("POST", "/v1/returns/\(id.text)/receipt", token: token, Receipt(restock: restock)))
    }

    private func post(_ order: UUID, _ what: String, _ body: some Encodable) async throws -> WebResponse {
        try await shop.answer(to: .send("POST", "/v1/orders/\(order.text)/\(what)", token: token, body))
    }
}

/// Lists that are read to their end.
extension Administrator {
    private static let pageSize = 100
    /// The most pages of a list, in case a cursor leads back.
    private static let maximumPages = 100_000

    /// Calls `body` with every order, newest first, a page at a time.
    package func walkOrders<Order: Decodable>(_ body: ([Order]) -> Void) async throws {
        try await walk("/v1/orders", body)
    }

    /// One change of a SKU's stock on hand.
    package struct Movement: Sendable, Decodable {
        package let kind: String
        package let delta: Int
        /// Nil for manual changes.
        package let orderId: UUID?
    }

    package func walkMovements(of sku: String, _ body: ([Movement]) -> Void) async throws {
        try await walk("/v1/stock/\(sku)/movements", body)
    }

    package struct Notification: Sendable, Decodable {
        package let id: UUID
        /// Nil for notifications about accounts.
        package let orderId: UUID?
        package let kind: String
        package let channel: String
        package let result: String
    }

    /// Newest first.
    package func walkNotifications(_ body: ([Notification]) -> Void) async throws {
        try await walk("/v1/notifications", body)
    }

    private func walk<Item: Decodable>(_ path: String, _ body: ([Item]) -> Void) async throws {
        var cursor: String?
        for _ in 0..<Self.maximumPages {
            let position = cursor.map { "&cursor=\($0)" } ?? ""
            let page: ListPage<Item> = try await shop.reply(to: .get("\(path)?limit=\(Self.pageSize)\(position)", token: token))
            body(page.items)
            guard let next = page.nextCursor else { return }
            cursor = next
        }
        throw LoadError(.unavailable, "\(shop.url): \(path) has more than \(Self.maximumPages * Self.pageSize) items.")
    }
}

private struct ListPage<Item: Decodable>: Decodable {
    let items: [Item]
    let nextCursor: String?
}
