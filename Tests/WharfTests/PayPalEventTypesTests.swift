import Ingress
import Testing

@testable import Payments

@Suite struct PayPalEventTypesTests {
    @Test func `the ingress forwards the PayPal events that payments acts upon, and no others`() throws {
        let document = try OpenAPIDocument(path: "topology/openapi.yaml")
        let endpoint = try #require(document.endpoints.first { $0.operationID == "payments.webhooks.paypal" })
        #expect(endpoint.eventTypes == Set(PayPalEvent.Kind.allCases.map(\.rawValue)))
    }
}
