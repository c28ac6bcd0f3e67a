import FoundationEssentials
import Instruments
import Metrics
import Testing

@testable import Operations

@Suite struct `Metrics of a process` {
    private func lines(_ registry: MetricsRegistry, _ prefix: String) -> [String] {
        registry.exposition().split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) || $0.hasPrefix("# TYPE \(prefix)") }
    }

    @Test func `counters add up, series by series`() {
        let registry = MetricsRegistry()
        Counter(label: "handled_total", dimensions: [("queue", "b"), ("kind", "x")], factory: registry).increment(by: 2)
        Counter(label: "handled_total", dimensions: [("queue", "a")], factory: registry).increment()
        Counter(label: "handled_total", dimensions: [("kind", "x"), ("queue", "b")], factory: registry).increment(by: 3)
        #expect(
            lines(registry, "handled") == [
                "# TYPE handled_total counter", #"handled_total{kind="x",queue="b"} 5"#, #"handled_total{queue="a"} 1"#,
            ])
    }

    @Test func `gauges and meters hold the last value`() {
        let registry = MetricsRegistry()
        Gauge(label: "depth", factory: registry).record(3.5)
        let meter = Meter(label: "flight", factory: registry)
        meter.set(10)
        meter.increment(by: 2.0)
        meter.decrement()
        #expect(lines(registry, "depth") == ["# TYPE depth gauge", "depth 3.5"])
        #expect(lines(registry, "flight") == ["# TYPE flight gauge", "flight 11"])
    }

    @Test func `timers are histograms in seconds with cumulative buckets`() {
        let registry = MetricsRegistry()
        let timer = Timer(label: "request_duration", factory: registry)
        for milliseconds in [1, 3, 3, 700, 60_000] { timer.recordMilliseconds(milliseconds) }
        let text = lines(registry, "request_duration_seconds")
        #expect(text.first == "# TYPE request_duration_seconds histogram")
        #expect(text.contains(#"request_duration_seconds_bucket{le="0.001"} 1"#))
        #expect(text.contains(#"request_duration_seconds_bucket{le="0.005"} 3"#))
        #expect(text.contains(#"request_duration_seconds_bucket{le="1"} 4"#))
        #expect(text.contains(#"request_duration_seconds_bucket{le="30"} 4"#))
        #expect(text.contains(#"request_duration_seconds_bucket{le="+Inf"} 5"#))
        #expect(text.contains("request_duration_seconds_count 5"))
        #expect(text.count == 1 + Instrument.durations.count + 3)
    }

    @Test func `a label that already names seconds is kept`() {
        let registry = MetricsRegistry()
        Timer(label: "wait_seconds", factory: registry).recordSeconds(2)
        #expect(lines(registry, "wait_seconds_sum") == ["wait_seconds_sum 2"])
    }

    @Test func `recorders are histograms of sizes`() {
        let registry = MetricsRegistry()
        Recorder(label: "batch_size", factory: registry).record(100)
        #expect(lines(registry, "batch_size_bucket").contains(#"batch_size_bucket{le="100"} 1"#))
        #expect(lines(registry, "batch_size_bucket").contains(#"batch_size_bucket{le="50"} 0"#))
    }

    @Test func `names and label values are sanitised`() {
        let registry = MetricsRegistry()
        Counter(label: "hb.requests-5", dimensions: [("http.path", "a\"b\\c\r\nd\u{600}\""), ("1st", "x")], factory: registry).increment()
        let written = lines(registry, "hb").last ?? ""
        #expect(written.utf8.elementsEqual("hb_requests_5{_1st=\"x\",http_path=\"a\\\"b\\\\c\\nd\u{600}\\\"\"} 1".utf8))
    }

    @Test func `series of undeclared metrics beyond their bound are not recorded and are counted`() {
        let registry = MetricsRegistry(maximumSeriesPerName: 3, maximumUndeclared: 10)
        for number in 0..<15 { Counter(label: "many", dimensions: [("n", "\(number)")], factory: registry).increment() }
        #expect(lines(registry, "many").count == 11)
        #expect(lines(registry, "wharf_metrics_overflowed_series_total").last == "wharf_metrics_overflowed_series_total 5")
    }

    @Test func `a name has one type`() {
        let registry = MetricsRegistry()
        Counter(label: "thing", factory: registry).increment()
        Gauge(label: "thing", dimensions: [("a", "b")], factory: registry).record(5)
        #expect(lines(registry, "thing") == ["# TYPE thing counter", "thing 1"])
    }

    @Test func `a thousand concurrent increments are a thousand`() async {
        let registry = MetricsRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    for _ in 0..<100 { Counter(label: "hits", factory: registry).increment() }
                }
            }
        }
        #expect(lines(registry, "hits").last == "hits 1000")
    }

    @Test func `the process reports its memory, time, descriptors and start`() throws {
        let process = try #require(ProcessMetrics.current())
        #expect(process.residentBytes > 1_000_000)
        #expect(process.cpuSeconds > 0)
        #expect(process.openDescriptors >= 3 && process.maximumDescriptors >= process.openDescriptors)
        #expect(abs(process.startTime - Date().timeIntervalSince1970) < 3_600)
        #expect(MetricsRegistry().exposition().contains("process_resident_memory_bytes "))
    }

    @Test func `a program's name may contain anything`() {
        let stat = "1 (a) b (c) S 0 1 1 0 -1 0 0 0 0 0 250 50 0 0 20 0 9 0 6000 123 400 0"
        let process = ProcessMetrics(
            stat: stat, system: "cpu 1\nbtime 1000\n", limits: "Max open files            1024   4096   files\n", descriptors: 7,
            ticksPerSecond: 100, pageBytes: 4_096)
        #expect(process?.cpuSeconds == 3)
        #expect(process?.startTime == 1_060)
        #expect(process?.residentBytes == 1_638_400)
        #expect(process?.virtualBytes == 123)
        #expect(process?.maximumDescriptors == 1_024)
    }
}
