import Simulation

/// How a sweep is reported.
enum SimulateLayout {
    /// Seeds from which on every moment must have been reached.
    static let fullSweep = 50

    static func line(_ report: Simulation.Report) -> String {
        let end = report.violations.isEmpty ? "ok" : "BROKEN"
        return """
            seed \(report.seed)  \(end)  \(report.orders) orders, \(report.confirmed) confirmed, \(report.deadLetters) dead letters, \
            \(report.steps) steps, \(report.crashPoints) crash points, \(Int(report.seconds)) virtual s, trace \(report.hash)
            """
    }

    static func table(_ visits: Visits) -> [String] {
        let rows = visits.expected
        let width = rows.map { String($0.count).count }.max() ?? 1
        return rows.map { String(repeating: " ", count: width - String($0.count).count) + "\($0.count)  \($0.moment)" }
    }
}
