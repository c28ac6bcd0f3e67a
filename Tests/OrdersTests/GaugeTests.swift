import Contracts
import FoundationEssentials
import Logging
import Metrics
import MetricsTestKit
import PostgreSQL
import Testing

@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// The gauges of running checkouts.
@Suite struct `Gauges of checkouts` {
    private func value(_ metrics: TestMetrics, _ name: String, phase: String? = nil) throws -> Double? {
        try metrics.expectGauge(name, phase.map { [("phase", $0)] } ?? []).lastValue
    }

    @Test func `running checkouts are counted by phase with the age of the oldest, and stuck ones are counted`() async throws {
        let metrics = TestMetrics()
        let order = try await OrderFixture()
        try await withMetricsFactory(metrics) {
            let gauges = OrdersService.gauges(of: order.harness.database, clock: order.harness.clock, logger: Logger(label: "test"))
            order.harness.clock.advance(by: 90)
            await gauges.look()
            #expect(try value(metrics, "wharf_checkouts", phase: "reserving") == 1)
            #expect(try value(metrics, "wharf_checkout_oldest_age_seconds", phase: "reserving") == 90)
            #expect(try value(metrics, "wharf_checkouts_stuck") == 0)
            for _ in 1...3 { try await order.advance(.overdue) }
            await gauges.look()
            #expect(try value(metrics, "wharf_checkouts_stuck") == 1)
            try await order.confirm()
            await gauges.look()
            #expect(try value(metrics, "wharf_checkouts", phase: "reserving") == 0)
            #expect(try value(metrics, "wharf_checkout_oldest_age_seconds", phase: "reserving") == 0)
            #expect(try value(metrics, "wharf_checkouts_stuck") == 0)
            await order.harness.database.close()
            await gauges.look()
            #expect(try value(metrics, "wharf_checkouts_stuck")?.isNaN == true, "a figure that cannot be read is no figure")
        }
    }
}
