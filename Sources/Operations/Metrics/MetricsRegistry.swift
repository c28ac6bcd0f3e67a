public import Metrics
import Synchronization

/// The metrics of this process, in Prometheus' text format: the backend of swift-metrics, `MetricsSystem.bootstrap(registry)`.
///
/// Counters are counters, meters and non-aggregating recorders are gauges, timers (in seconds) and aggregating recorders are histograms of fixed
/// buckets. A series lives as long as the process: others may share the one that is destroyed.
public final class MetricsRegistry: MetricsFactory {
    /// Series that are kept; further ones record nothing, and are counted as `wharf_metrics_dropped_series`.
    public static let maximumSeries = 2_000

    enum Series {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)

        var type: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private struct State {
        /// By name, then by labels in their written form.
        var families: [String: [String: Series]] = [:]
        var count = 0
        var dropped = 0
    }

    private let state = Mutex(State())
    private let maximumSeries: Int

    public convenience init() {
        self.init(maximumSeries: Self.maximumSeries)
    }

    init(maximumSeries: Int) {
        self.maximumSeries = maximumSeries
    }

    /// All metrics and those of the process, in Prometheus' text format 0.0.4, sorted by name.
    public func exposition() -> String {
        let (families, dropped) = state.withLock { ($0.families, $0.dropped) }
        var text = PrometheusText()
        for (name, series) in families.sorted(by: { $0.key < $1.key }) {
            guard let type = series.first?.value.type else { continue }
            text.begin(name, type: type)
            for (labels, series) in series.sorted(by: { $0.key < $1.key }) { text.add(series, name, labels: labels) }
        }
        text.begin("wharf_metrics_dropped_series", type: "gauge")
        text.add("wharf_metrics_dropped_series", Double(dropped))
        if let process = ProcessMetrics.current() { text.add(process) }
        return text.text
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let made = series(label, dimensions) { .counter(CounterSeries()) }
        return if case .counter(let counter) = made { counter } else { CounterSeries() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? histogram(label, dimensions, bounds: HistogramSeries.sizes) : gauge(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = label.hasSuffix("_seconds") ? label : label + "_seconds"
        return histogram(name, dimensions, bounds: HistogramSeries.times)
    }

    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: Series

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        let made = series(label, dimensions) { .gauge(GaugeSeries()) }
        return if case .gauge(let gauge) = made { gauge } else { GaugeSeries() }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)], bounds: [Double]) -> HistogramSeries {
        let made = series(label, dimensions) { .histogram(HistogramSeries(bounds: bounds)) }
        return if case .histogram(let histogram) = made { histogram } else { HistogramSeries(bounds: bounds) }
    }

    /// The series of this name and these dimensions; nil when there are too many, or the name already has another type.
    private func series(_ label: String, _ dimensions: [(String, String)], _ make: () -> Series) -> Series? {
        let name = PrometheusText.name(label)
        let labels = PrometheusText.labels(dimensions)
        let made = make()
        return state.withLock { state in
            if let known = state.families[name]?[labels] { return known }
            let type = state.families[name]?.first?.value.type
            guard state.count < maximumSeries, type == nil || type == made.type else {
                state.dropped += 1
                return nil
            }
            state.families[name, default: [:]][labels] = made
            state.count += 1
            return made
        }
    }
}
