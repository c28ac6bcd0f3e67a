import Assembly
import LocalState
import Operations
import Terminal
import TestKit
import Testing

@testable import Up

@Suite(.timeLimit(.minutes(1))) struct BrokerLoginTests {
    @Test func `a port where nothing listens is named, and so are the settings, before any role starts`() async throws {
        let settings = try Settings(environment: ["WHARF_AMQP_URL": "amqp://wharf:p-secret@127.0.0.1:1/"])
        let error = await #expect(throws: UpError.self) {
            try await BrokerLogins(timeout: .milliseconds(100), clock: SystemClock()).check(["ingress"], settings)
        }
        #expect(error?.code == .start)
        let text = try #require(error.map { "\($0)" })
        #expect(text.contains("127.0.0.1:1") && text.contains("WHARF_AMQP_URL_INGRESS") && !text.contains("p-secret"), "\(text)")
    }
}
