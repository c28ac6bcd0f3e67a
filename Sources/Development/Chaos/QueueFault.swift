import FoundationEssentials
import LocalServers
import Up

/// A queue is deleted with all its messages. The operator restores it and has the messages sent again that may have been lost with it.
struct QueueFault: Fault {
    /// The queues that orders pass through.
    static let queues = ["carts.commands", "catalog.commands", "catalog.queries", "orders.commands", "orders.queries", "payments.commands", "notifications.commands"]

    let queue: String

    func inject(into shop: ChaosShop) async throws {
        _ = try await shop.servers.rabbitMQ.management.send("DELETE", "/api/queues/%2F/\(queue)")
    }

    func restore(in shop: ChaosShop) async throws {
        try await Runbook(shop).topologyLost()
    }
}

/// A binding is deleted: messages with its key lead nowhere. The operator restores it.
struct BindingFault: Fault {
    struct Route: Sendable {
        let exchange, key, queue: String
    }

    static let routes = [
        Route(exchange: "requests", key: "carts.checkouts.create", queue: "carts.commands"),
        Route(exchange: "requests", key: "catalog.stock.reserve", queue: "catalog.commands"),
        Route(exchange: "requests", key: "orders.checkouts.place", queue: "orders.commands"),
        Route(exchange: "requests", key: "orders.checkouts.advance", queue: "orders.commands"),
        Route(exchange: "requests", key: "payments.charge", queue: "payments.commands"),
        Route(exchange: "requests", key: "payments.webhooks.stripe", queue: "payments.commands"),
        Route(exchange: "events", key: "order.confirmed", queue: "notifications.commands"),
    ]

    let key: String

    func inject(into shop: ChaosShop) async throws {
        guard let route = Self.routes.first(where: { $0.key == key }) else { return }
        // A binding without arguments has its routing key for a name.
        _ = try await shop.servers.rabbitMQ.management.send(
            "DELETE", "/api/bindings/%2F/e/\(route.exchange)/q/\(route.queue)/\(route.key)")
    }

    func restore(in shop: ChaosShop) async throws {
        try await Runbook(shop).topologyLost()
    }
}
