import Instruments
import Metrics
import Testing
import WebClient

@testable import Operations

/// The metrics of calls to payment gateways and vendors.
@Suite struct `Metered calls` {
    private struct Scripted: HTTPTransport {
        let status: Int?

        func send(_ request: WebRequest) async throws -> WebResponse {
            guard let status else { throw WebClientError(code: .timedOut, message: "no answer") }
            return WebResponse(status: status)
        }
    }

    @Test(arguments: [
        ("POST", "https://api.stripe.com/v1/payment_intents", "POST payment_intents"),
        ("POST", "https://api.stripe.com/v1/payment_intents/pi_3Nq8/capture?expand=x", "POST payment_intents/*/capture"),
        ("GET", "https://api-m.paypal.com/v2/checkout/orders/5O190127TN364715T", "GET checkout/orders/*"),
        ("POST", "http://127.0.0.1:9/v1/oauth2/token", "POST oauth2/token"), ("GET", "https://host", "GET "),
    ])
    func `a call's name is its method and the fixed parts of its path`(method: String, url: String, name: String) {
        #expect(MeteredTransport.call(WebRequest(method: method, url: url)) == name)
    }

    @Test(arguments: [(200, "succeeded"), (302, "succeeded"), (402, "declined"), (404, "rejected"), (429, "throttled"), (503, "failed"), (nil, "unanswered")])
    func `a call is counted and timed with its result`(status: Int?, result: String) async {
        let registry = MetricsRegistry()
        await withMetricsFactory(registry) {
            let transport = MeteredTransport(Scripted(status: status), partner: "stripe", showsPaths: true)
            _ = try? await transport.send(WebRequest(url: "https://api.stripe.com/v1/refunds"))
        }
        let text = registry.exposition()
        #expect(text.contains(#"wharf_partner_calls_total{call="GET refunds",partner="stripe",result="\#(result)"} 1"#))
        #expect(text.contains(#"wharf_partner_call_duration_seconds_count{call="GET refunds",partner="stripe"} 1"#))
    }

    @Test func `a path that may be secret is not shown`() async throws {
        let registry = MetricsRegistry()
        try await withMetricsFactory(registry) {
            let transport = MeteredTransport(Scripted(status: 200), partner: "alerts", showsPaths: false)
            _ = try await transport.send(WebRequest(method: "POST", url: "https://hooks.example/services/verysecret"))
        }
        #expect(!registry.exposition().contains("verysecret"))
    }
}
