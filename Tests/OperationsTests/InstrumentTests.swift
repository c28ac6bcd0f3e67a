import Foundation
import Instruments
import Metrics
import TestKit
import Testing

@testable import Operations

/// The table of metrics, and its use by the registry.
@Suite struct `Declared metrics` {
    private static let units = ["_seconds", "_bytes", "_messages", "_total"]
    /// Metrics without a unit: counts of things, and flags.
    private static let withoutUnit: Set<Instrument> = [
        .checkouts, .checkoutsStuck, .deadLettersOpen, .notificationsWaiting, .paymentsUndecided, .paymentDifferences, .databaseConnections, .databaseWaiters, .brokerConnected,
        .brokerBlocked, .buildInfo, .processMaximumDescriptors, .processDescriptors,
    ]

    private static let writtenByRegistry: Set<Instrument> = [
        .seriesOverflowed, .processCPU, .processMaximumDescriptors, .processDescriptors, .processResident, .processVirtual, .processStart,
    ]

    /// A registry in which every metric has a value.
    private static func filled() -> MetricsRegistry {
        let registry = MetricsRegistry()
        withMetricsFactory(registry) {
            for instrument in Instrument.allCases where !writtenByRegistry.contains(instrument) {
                let labels = instrument.declaration.labels.map { ($0, "value of \"\($0)\"") }
                switch instrument.declaration.kind {
                case .counter: Counter(label: instrument.rawValue, dimensions: labels).increment(by: 3)
                case .gauge: Gauge(label: instrument.rawValue, dimensions: labels).record(Double.nan)
                case .histogram: Recorder(label: instrument.rawValue, dimensions: labels).record(0.2)
                }
            }
        }
        return registry
    }

    @Test(arguments: Instrument.allCases)
    func `a name ends in its unit, and its help is one line`(instrument: Instrument) {
        let declaration = instrument.declaration
        #expect((declaration.kind == .counter) == instrument.rawValue.hasSuffix("_total"))
        #expect(Self.units.contains(where: instrument.rawValue.hasSuffix) != Self.withoutUnit.contains(instrument))
        #expect(instrument.rawValue.hasPrefix("wharf_") || instrument.rawValue.hasPrefix("process_"))
        #expect(declaration.help.hasSuffix(".") && !declaration.help.contains("\n") && !declaration.help.contains("\\"))
        #expect(Set(declaration.labels).count == declaration.labels.count && !declaration.labels.contains("le"))
        if case .histogram(let bounds) = declaration.kind { #expect(bounds == bounds.sorted() && Set(bounds).count == bounds.count) }
    }

    @Test func `promtool accepts an exposition of all metrics`() async throws {
        let text = Self.filled().exposition()
        for instrument in Instrument.allCases {
            #expect(text.contains("# HELP \(instrument.rawValue) \(instrument.declaration.help)\n"), "\(instrument)")
            #expect(text.components(separatedBy: "# TYPE \(instrument.rawValue) ").count == 2, "\(instrument)")
        }
        let result = try await Promtool.run(["check", "metrics"], input: text)
        #expect(result.isSuccess && result.output.isEmpty, "\(result.output)")
    }

    @Test func `a histogram has its declared buckets, and appears with its first value`() {
        let registry = MetricsRegistry()
        withMetricsFactory(registry) {
            let wait = Instrument.queueWait.histogram("orders", "orders.commands")
            #expect(!registry.exposition().contains("wharf_queue_wait_seconds"))
            wait.record(400.0)
        }
        let text = registry.exposition()
        #expect(text.contains(#"wharf_queue_wait_seconds_bucket{queue="orders.commands",service="orders",le="300"} 0"#))
        #expect(text.contains(#"wharf_queue_wait_seconds_bucket{queue="orders.commands",service="orders",le="900"} 1"#))
    }

    @Test func `label values beyond the bound are counted under other, so that the sum stays correct`() {
        let registry = MetricsRegistry(maximumSeriesPerName: 10)
        withMetricsFactory(registry) {
            for number in 0..<1_000 { Instrument.partnerCalls.counter("stripe", "call \(number)", "succeeded").increment() }
            for number in 0..<5 { Instrument.spansDropped.counter("reason \(number)").increment() }
        }
        let lines = registry.exposition().split(separator: "\n").filter { $0.hasPrefix("wharf_partner_calls_total{") }
        #expect(lines.count == 11)
        #expect(lines.contains(#"wharf_partner_calls_total{call="other",partner="other",result="other"} 990"#))
        #expect(lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +) == 1_000)
        #expect(registry.exposition().contains("wharf_metrics_overflowed_series_total 990\n"))
        // Another name has a separate bound.
        #expect(registry.exposition().contains(#"wharf_spans_dropped_total{reason="reason 4"} 1"#))
    }

    @Test func `a set of gauges is 0 for labels without a value, and NaN for values that could not be read`() {
        let registry = MetricsRegistry()
        withMetricsFactory(registry) {
            let set = GaugeSet(.checkouts)
            set.set(["charging": 3, "reserving": 1])
            set.set(["charging": 2])
            #expect(registry.exposition().contains("wharf_checkouts{phase=\"charging\"} 2\nwharf_checkouts{phase=\"reserving\"} 0\n"))
            set.forget()
            #expect(registry.exposition().contains("wharf_checkouts{phase=\"charging\"} NaN\n"))
            let known = GaugeSet(.notificationsWaiting, labels: ["mail"])
            known.forget()
            #expect(registry.exposition().contains("wharf_notifications_waiting{channel=\"mail\"} NaN\n"))
            known.set([:])
            #expect(registry.exposition().contains("wharf_notifications_waiting{channel=\"mail\"} 0\n"))
            let single = GaugeSet(.checkoutsStuck)
            single.set(["": 4])
            #expect(registry.exposition().contains("\nwharf_checkouts_stuck 4\n"))
        }
    }

    @Test func `the document of metrics is the table`() throws {
        let rows = Instrument.allCases.map { instrument in
            let declaration = instrument.declaration
            let kind =
                switch declaration.kind {
                case .counter: "counter"
                case .gauge: "gauge"
                case .histogram: "histogram"
                }
            return "| `\(instrument.rawValue)` | \(kind) | \(declaration.labels.map { "`\($0)`" }.joined(separator: ", ")) | \(declaration.help) |"
        }
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/METRICS.md")
        let found = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        #expect(found == rows, "docs/METRICS.md needs these rows:\n\(rows.joined(separator: "\n"))")
    }
}
