import Instruments
public import Metrics
import Synchronization

/// The metrics of this process, in Prometheus' text format: the backend of swift-metrics, `MetricsSystem.bootstrap(registry)`.
///
/// Counters are counters, meters and non-aggregating recorders are gauges, timers (in seconds) and aggregating recorders are histograms of fixed
/// buckets. A series lives as long as the process, because destroying it would affect others that share it. A histogram is exported from its first value on.
///
/// Each name has a bound on its series. Label values beyond it are recorded under `other`, so that sums stay correct, and are counted in
/// `wharf_metrics_overflowed_series_total`. Metrics that ``Instrument`` does not declare share a bound, and record nothing beyond it.
public final class MetricsRegistry: MetricsFactory {
    /// The maximum number of series of one name: each HTTP operation has four classes of status, and each operation of a service has eight outcomes.
    public static let maximumSeriesPerName = 1_000
    /// The maximum number of series of all undeclared names.
    public static let maximumUndeclared = 500
    private static let other = "other"

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

        var isEmptyHistogram: Bool { if case .histogram(let histogram) = self { histogram.isEmpty } else { false } }
    }

    fileprivate struct State {
        /// By name, then by labels in their written form.
        var families: [String: [String: Series]] = [:]
        var undeclared = 0
        var overflowed = 0
    }

    private let state = Mutex(State())
    private let maximumSeriesPerName: Int
    private let maximumUndeclared: Int

    public convenience init() {
        self.init(maximumSeriesPerName: Self.maximumSeriesPerName)
    }

    init(maximumSeriesPerName: Int, maximumUndeclared: Int = MetricsRegistry.maximumUndeclared) {
        self.maximumSeriesPerName = maximumSeriesPerName
        self.maximumUndeclared = maximumUndeclared
    }

    /// All metrics and those of the process, in Prometheus' text format 0.0.4, sorted by name.
    public func exposition() -> String {
        let (families, overflowed) = state.withLock { ($0.families, $0.overflowed) }
        var text = PrometheusText()
        for (name, all) in families.sorted(by: { $0.key < $1.key }) {
            let series = all.filter { !$0.value.isEmptyHistogram }.sorted { $0.key < $1.key }
            guard let type = series.first?.value.type else { continue }
            text.begin(name, type: type, help: Instrument(rawValue: name)?.declaration.help)
            for (labels, series) in series { text.add(series, name, labels: labels) }
        }
        text.add(.seriesOverflowed, Double(overflowed))
        if let process = ProcessMetrics.current() {
            for (instrument, value) in process.all { text.add(instrument, value) }
        }
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
        guard aggregate else { return gauge(label, dimensions) }
        guard case .histogram(let bounds)? = Instrument(rawValue: label)?.declaration.kind else { return histogram(label, dimensions, bounds: Instrument.counts) }
        return histogram(label, dimensions, bounds: bounds)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = label.hasSuffix("_seconds") ? label : label + "_seconds"
        return histogram(name, dimensions, bounds: Instrument.durations)
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

    /// The series of this name and these dimensions. Nil if the name has another type, or if it is undeclared and the bound is reached.
    private func series(_ label: String, _ dimensions: [(String, String)], _ make: () -> Series) -> Series? {
        let name = PrometheusText.name(label)
        let labels = PrometheusText.labels(dimensions)
        let isDeclared = Instrument(rawValue: name) != nil
        let made = make()
        return state.withLock { state in
            if let known = state.families[name]?[labels] { return known }
            let type = state.families[name]?.first?.value.type
            guard type == nil || type == made.type else {
                state.overflowed += 1
                return nil
            }
            if isDeclared {
                guard (state.families[name]?.count ?? 0) >= maximumSeriesPerName else { return state.add(made, name, labels) }
                state.overflowed += 1
                let labels = PrometheusText.labels(dimensions.map { ($0.0, Self.other) })
                return state.families[name]?[labels] ?? state.add(made, name, labels)
            }
            guard state.undeclared < maximumUndeclared else {
                state.overflowed += 1
                return nil
            }
            state.undeclared += 1
            return state.add(made, name, labels)
        }
    }
}

extension MetricsRegistry.State {
    fileprivate mutating func add(_ series: MetricsRegistry.Series, _ name: String, _ labels: String) -> MetricsRegistry.Series {
        families[name, default: [:]][labels] = series
        return series
    }
}
