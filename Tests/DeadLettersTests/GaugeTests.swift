import Logging
import Metrics
import MetricsTestKit
import PostgreSQL
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

/// The gauges of open dead letters.
@Suite struct `Gauges of dead letters` {
    @Test func `open letters are counted by their service, with the age of the oldest`() async throws {
        let metrics = TestMetrics()
        let letters = try await DeadLettersHarness()
        try await withMetricsFactory(metrics) {
            let gauges = DeadLettersService.gauges(of: letters.service.database, services: ["orders", "payments", "users"], clock: letters.service.clock, logger: Logger(label: "test"))
            func value(_ name: String, _ service: String) throws -> Double? { try metrics.expectGauge(name, [("service", service)]).lastValue }
            _ = try await letters.collect([.setAside(), .setAside(), .setAside(queue: "orders.commands")])
            letters.service.clock.advance(by: 3_600)
            await gauges.look()
            #expect(try value("wharf_dead_letters_open", "payments") == 2)
            #expect(try value("wharf_dead_letters_open", "orders") == 1)
            #expect(try value("wharf_dead_letters_open", "users") == 0, "the series exists before its first letter")
            #expect(try value("wharf_dead_letter_oldest_age_seconds", "payments") == 3_600)
            let order = try #require(try await letters.list(["service": "orders"]).items.first)
            _ = try await letters.send("deadletters.letters.discard", order.id)
            await gauges.look()
            #expect(try value("wharf_dead_letters_open", "orders") == 0)
        }
        await letters.service.database.close()
    }

    @Test func `names of services that do not exist share one label`() async throws {
        let metrics = TestMetrics()
        let letters = try await DeadLettersHarness()
        try await withMetricsFactory(metrics) {
            let gauges = DeadLettersService.gauges(of: letters.service.database, services: ["orders"], clock: letters.service.clock, logger: Logger(label: "test"))
            for number in 0..<Statistics.maximumServices + 20 { _ = try await letters.collect([.setAside(queue: "made-up-\(number).commands"), .setAside(queue: "made-up-\(number).commands")]) }
            _ = try await letters.collect([.setAside(queue: "orders.commands")])
            await gauges.look()
            let open = metrics.recorders(label: "wharf_dead_letters_open")
            #expect(Set(open.map { $0.dimensions.map(\.1) }) == [["orders"], ["other"]])
            #expect(try metrics.expectGauge("wharf_dead_letters_open", [("service", "orders")]).lastValue == 1, "a known service is always counted")
            #expect(try metrics.expectGauge("wharf_dead_letters_open", [("service", "other")]).lastValue == Double(2 * (Statistics.maximumServices - 1)))
        }
        await letters.service.database.close()
    }
}
