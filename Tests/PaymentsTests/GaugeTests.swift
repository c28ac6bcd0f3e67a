import Contracts
import Logging
import Metrics
import MetricsTestKit
import PostgreSQL
import Synchronization
import Testing

@testable import Messaging
@testable import Payments
@testable import ServiceKit

/// The gauge of payments that wait for an operator.
@Suite struct `Gauges of payments` {
    @Test func `a refused refund waits for an operator`() async throws {
        let metrics = TestMetrics()
        let fixture = try await PaymentFixture.paid()
        try await withMetricsFactory(metrics) {
            let gauges = PaymentsService.gauges(of: fixture.harness.database, clock: fixture.harness.clock, logger: Logger(label: "test"))
            func value(_ kind: String) throws -> Double? { try metrics.expectGauge("wharf_payments_undecided", [("kind", kind)]).lastValue }
            await gauges.look()
            #expect(try ["payment", "refund", "unclaimed"].map(value) == [0, 0, 0])
            fixture.gateway.state.withLock { $0.refundAnswer = .refused }
            _ = try await fixture.refund(200)
            await gauges.look()
            #expect(try value("refund") == 1)
        }
        await fixture.harness.database.close()
    }
}
