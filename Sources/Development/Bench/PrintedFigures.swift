import Terminal

/// The last line that `bench/raw.c` and `bench/requests.lua` print: `rate 3100.0 p50 0.2700 p99 0.4100`.
struct PrintedFigures: Sendable, Equatable {
    /// A second.
    let rate: Double
    /// Milliseconds.
    let median: Double
    let p99: Double

    init(_ printed: [String]) throws(BenchError) {
        let words = (printed.last ?? "").split(separator: " ")
        guard words.count == 6, words[0] == "rate", words[2] == "p50", words[4] == "p99", let rate = Double(words[1]),
            let median = Double(words[3]), let p99 = Double(words[5])
        else { throw BenchError(.wrong, "No figures were printed: \(printed.last ?? "nothing")") }
        (self.rate, self.median, self.p99) = (rate, median, p99)
    }
}
