import FoundationEssentials
import JSON
import TestKit
import Testing

/// A running system of its own, whose processes send their spans to a receiver in this one.
private struct Traced: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await SpanReceiver.running { url in
            try await RunningWharf.running(["OTEL_EXPORTER_OTLP_ENDPOINT": url], body)
        }
    }
}

@Suite(.serialized, Traced(), .timeLimit(.minutes(10))) struct `Traces` {
    /// The operations on the way of a checkout whose payment succeeds, up to the message to its customer.
    private static let steps = [
        "carts.checkouts.create", "orders.checkouts.place", "catalog.stock.reserve", "payments.charge", "orders.checkouts.advance", "order.confirmed",
    ]

    @Test func `a checkout is one trace, in which each hop is below the one that led to it`() async throws {
        let receiver = try SpanReceiver.get()
        let admin = try Visitor.admin()
        let guest = try Visitor.guest()
        let cart = try await guest.newCart(try await admin.newProduct())
        let answer = try await guest.checkout(cart)
        #expect(answer["order", "state"] == "confirmed")
        let trace = try #require(answer.header("traceparent")?.split(separator: "-").dropFirst().first).description
        let way = ["POST /v1/checkouts"] + Self.steps.flatMap { ["publish \($0)", "handle \($0)"] }
        try await eventually("The whole way") {
            let spans = receiver.spans(of: trace)
            let ids = Set(spans.map(\.id))
            // Processes export in their own time: a span may arrive before the one above it.
            return spans.filter { $0.parent.map { !ids.contains($0) } ?? true }.map(\.name) == ["POST /v1/checkouts"]
                && spans.contains { $0.service == "notifications" && receiver.way(to: $0) == way }
        }
        let spans = receiver.spans(of: trace)
        #expect(Set(spans.map(\.id)).count == spans.count)
        #expect(Set(spans.map(\.service)) == ["ingress", "carts", "orders", "catalog", "payments", "notifications"])
        // The prices that the cart asks for, and the gateway.
        let asking = try #require(spans.first { $0.name == "handle catalog.products.price" })
        #expect(receiver.way(to: asking).starts(with: ["POST /v1/checkouts", "publish carts.checkouts.create", "handle carts.checkouts.create"]))
        let calls = spans.filter { $0.kind == 3 }
        #expect(calls.allSatisfy { $0.service == "payments" && ["POST 127.0.0.1", "GET 127.0.0.1"].contains($0.name) })
        #expect(calls.contains { receiver.way(to: $0).dropLast().last == "handle payments.charge" })
    }

    @Test func `a caller that does not record its trace is heeded by all services`() async throws {
        let receiver = try SpanReceiver.get()
        let admin = try Visitor.admin()
        let silent = "4bf92f3577b34da6a3ce929d0e0e4736"
        let sku = try await admin.newProduct()
        #expect(try await admin.get("/v1/stock/\(sku)", ["traceparent": "00-\(silent)-00f067aa0ba902b7-00"]).status == 200)
        let heard = "5bf92f3577b34da6a3ce929d0e0e4736"
        #expect(try await admin.get("/v1/stock/\(sku)", ["traceparent": "00-\(heard)-00f067aa0ba902b7-01"]).status == 200)
        try await eventually("The recorded trace") {
            Set(receiver.spans(of: heard).map(\.service)).isSuperset(of: ["ingress", "catalog"])
        }
        #expect(receiver.spans(of: heard).first { $0.kind == 2 }?.parent == "00f067aa0ba902b7")
        #expect(receiver.spans(of: silent).isEmpty)
    }
}
