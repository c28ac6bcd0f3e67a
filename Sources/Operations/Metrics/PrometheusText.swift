import Instruments

/// A writer for Prometheus' text format 0.0.4.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// Characters kept of a label's value.
    static let maximumLabelCharacters = 200

    private(set) var text = ""

    /// - Parameter help: A single line.
    mutating func begin(_ name: String, type: String, help: String?) {
        if let help { text += "# HELP \(name) \(help)\n" }
        text += "# TYPE \(name) \(type)\n"
    }

    /// A counter or gauge without labels.
    mutating func add(_ instrument: Instrument, _ value: Double) {
        let declaration = instrument.declaration
        begin(instrument.rawValue, type: declaration.kind == .counter ? "counter" : "gauge", help: declaration.help)
        add(instrument.rawValue, value)
    }

    /// - Parameter labels: in the form that `labels(_:)` writes.
    mutating func add(_ name: String, labels: String = "", _ value: Double) {
        text += name + (labels.isEmpty ? "" : "{\(labels)}") + " \(Self.number(value))\n"
    }

    mutating func add(_ series: MetricsRegistry.Series, _ name: String, labels: String) {
        switch series {
        case .counter(let counter): add(name, labels: labels, Double(counter.value))
        case .gauge(let gauge): add(name, labels: labels, gauge.value)
        case .histogram(let histogram): add(histogram, name, labels: labels)
        }
    }

    private mutating func add(_ histogram: HistogramSeries, _ name: String, labels: String) {
        let snapshot = histogram.snapshot
        let bounds = histogram.bounds.map(Self.number) + ["+Inf"]
        var total: UInt64 = 0
        for (bound, count) in zip(bounds, snapshot.counts) {
            total += count
            add(name + "_bucket", labels: (labels.isEmpty ? "" : labels + ",") + "le=\"\(bound)\"", Double(total))
        }
        add(name + "_sum", labels: labels, snapshot.sum)
        add(name + "_count", labels: labels, Double(total))
    }

    // MARK: Parts

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, other characters as `_`.
    static func name(_ label: String) -> String {
        word(label, allowing: ":")
    }

    /// `name="value",…`, sorted by name, values escaped.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { (word($0, allowing: ""), $1) }.sorted { $0.0 < $1.0 }
            .map { name, value in "\(name)=\"\(escaped(value))\"" }.joined(separator: ",")
    }

    private static func word(_ text: String, allowing extra: String) -> String {
        let word = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) || extra.contains($0) ? $0 : "_" })
        return word.first?.isNumber ?? true ? "_" + word : word
    }

    private static func escaped(_ value: String) -> String {
        value.unicodeScalars.prefix(maximumLabelCharacters).reduce(into: "") { text, scalar in
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case "\r": break
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
