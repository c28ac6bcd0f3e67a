public import Metrics
import Synchronization

/// The series of an instrument, by the values of its labels in the order of their declaration. Creating one looks it up in the registry under a lock,
/// so hot paths create it once and keep it.
extension Instrument {
    public func counter(_ values: String...) -> Counter { Counter(label: rawValue, dimensions: dimensions(values)) }

    public func gauge(_ values: String...) -> Gauge { Gauge(label: rawValue, dimensions: dimensions(values)) }

    /// Records seconds or counts.
    public func histogram(_ values: String...) -> Recorder { Recorder(label: rawValue, dimensions: dimensions(values)) }

    private func dimensions(_ values: [String]) -> [(String, String)] { Array(zip(declaration.labels, values)) }
}

/// A gauge with one label, whose values are all replaced together.
public final class GaugeSet: Sendable {
    private let instrument: Instrument
    private let labels: [String]
    private let gauges = Mutex<[String: Gauge]>([:])

    /// - Parameter labels: Label values that are known beforehand. They begin at 0, because Prometheus does not see a series appear as an increase.
    public init(_ instrument: Instrument, labels: [String] = []) {
        self.instrument = instrument
        self.labels = labels
    }

    /// Sets the values; labels without one become 0.
    public func set(_ values: [String: Double]) {
        gauges.withLock { gauges in
            for label in labels + values.keys where gauges[label] == nil { gauges[label] = instrument.gauge(label) }
            for (label, gauge) in gauges { gauge.record(values[label] ?? 0) }
        }
    }

    /// Sets all values to NaN, because they could not be read and may have changed.
    public func forget() {
        gauges.withLock { gauges in
            for label in labels where gauges[label] == nil { gauges[label] = instrument.gauge(label) }
            for gauge in gauges.values { gauge.record(Double.nan) }
        }
    }
}
