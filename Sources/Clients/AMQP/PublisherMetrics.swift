import Instruments
import Metrics

/// A publisher's metrics. A call costs a few additions, independent of its number of publications.
struct PublisherMetrics: Sendable {
    private let confirmed: Counter
    private let returned: Counter
    private let refused: Counter
    private let failed: Counter
    private let duration: Recorder

    init(_ connection: String) {
        confirmed = Instrument.publications.counter(connection, "confirmed")
        returned = Instrument.publications.counter(connection, "returned")
        refused = Instrument.publications.counter(connection, "refused")
        failed = Instrument.publications.counter(connection, "failed")
        duration = Instrument.publishDuration.histogram(connection)
    }

    func record(_ outcomes: [PublishOutcome], after elapsed: Duration) {
        var counts = (confirmed: 0, returned: 0, refused: 0, failed: 0)
        for outcome in outcomes {
            switch outcome {
            case .confirmed: counts.confirmed += 1
            case .returned: counts.returned += 1
            case .refused: counts.refused += 1
            case .failed: counts.failed += 1
            }
        }
        if counts.confirmed > 0 { confirmed.increment(by: counts.confirmed) }
        if counts.returned > 0 { returned.increment(by: counts.returned) }
        if counts.refused > 0 { refused.increment(by: counts.refused) }
        if counts.failed > 0 { failed.increment(by: counts.failed) }
        duration.record(elapsed / .seconds(1))
    }
}
