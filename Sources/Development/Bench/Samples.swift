/// The measured values of one figure, one for each round.
struct Samples: Sendable, Equatable, Codable {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) {
        values.append(value)
    }

    var isEmpty: Bool { values.isEmpty }
    var minimum: Double? { values.min() }
    var maximum: Double? { values.max() }

    /// The middle one; of an even number of them, between the two in the middle.
    var median: Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

/// How long each of many requests took.
struct Latencies: Sendable, Equatable {
    /// In ascending order.
    private let sorted: [Duration]

    init(_ durations: [Duration]) {
        sorted = durations.sorted()
    }

    /// - Parameter share: 0.5 for the median; 0 to 1.
    /// - Returns: milliseconds; 0 when there were no requests.
    func percentile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let index = min(sorted.count - 1, Int(Double(sorted.count) * share))
        return sorted[index].milliseconds
    }
}

extension Duration {
    var milliseconds: Double { self / .milliseconds(1) }
    var seconds: Double { self / .seconds(1) }
}
