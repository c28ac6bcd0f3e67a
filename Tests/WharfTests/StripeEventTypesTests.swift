import Ingress
import Testing

@testable import Payments

@Suite struct StripeEventTypesTests {
    @Test func `the ingress posts the events that payments acts upon, and no others`() throws {
        let document = try OpenAPIDocument(path: "topology/openapi.yaml")
        let endpoint = try #require(document.endpoints.first { $0.operationID == "payments.webhooks.stripe" })
        #expect(endpoint.eventTypes == Set(StripeEvent.Kind.allCases.map(\.rawValue)))
    }
}
