import ArgumentParser
import FoundationEssentials

/// The time of an option such as `--since`, with its zone.
struct StartTime: ExpressibleByArgument {
    static let example = "2026-11-21T04:00:00Z"

    let date: Date

    init?(argument: String) {
        guard let date = try? Date(argument, strategy: Date.ISO8601FormatStyle()) else { return nil }
        self.date = date
    }
}
