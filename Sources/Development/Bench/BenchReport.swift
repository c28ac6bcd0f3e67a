import FoundationEssentials
import Terminal

/// The record as text for people and JSON for programs.
struct BenchReport: Sendable {
    let record: BenchRecord

    func text(_ paint: Paint) -> String {
        var blocks: [String] = []
        if !record.rows.isEmpty {
            let titles = ["case", "goal", "measured (min–max)", "limit", "ratio", ""]
            blocks.append(TextTable.text(titles, record.rows.map { cells($0, paint) }, paint))
        }
        if record.median(.oneByOne) != nil || record.median(.request1) != nil || record.median(.durableSteps) != nil { blocks.append(limits(paint)) }
        if let waterfall = record.waterfall { blocks.append(WaterfallText(waterfall: waterfall).text(paint)) }
        if !record.costs.isEmpty { blocks.append(costs(paint)) }
        if !record.memoryAtRest.isEmpty { blocks.append(memory(paint)) }
        if !record.startup.isEmpty { blocks.append((["Where the time to ready goes:"] + record.startup.map { "  \($0)" }).joined(separator: "\n")) }
        blocks += record.failures.sorted { $0.key < $1.key }.map { paint.bad("\($0.key): \($0.value)") }
        blocks += record.notes
        if let foreign = record.disturbance {
            blocks.append(paint.bad("Others took \(Goals.percent(foreign)) of the processors while checkouts were measured: the figures are too low."))
        }
        return blocks.joined(separator: "\n\n")
    }

    private func cells(_ row: BenchRow, _ paint: Paint) -> [String] {
        let mark = row.isMet ? paint.good("✓") : paint.bad("✗")
        return [
            row.title, row.goalText, "\(Self.spread(row.measured)) \(row.unit)", row.limitValue.map(Figures.text) ?? "",
            row.limit == nil ? "" : Figures.text(row.ratio), row.remark.isEmpty ? mark : "\(mark) \(paint.dim(row.remark))",
        ]
    }

    /// `312 (290–330)`
    private static func spread(_ samples: Samples) -> String {
        guard let median = samples.median, let minimum = samples.minimum, let maximum = samples.maximum else { return "–" }
        return "\(Figures.text(median)) (\(Figures.text(minimum))–\(Figures.text(maximum)))"
    }

    private func limits(_ paint: Paint) -> String {
        let wanted: [(String, BenchFigure, String)] = [
            ("A: one by one, 1 client", .oneByOne1, "orders/s"), ("A: 8 clients", .oneByOne8, "orders/s"),
            ("A: 32 clients", .oneByOne32, "orders/s"), ("B: request and reply, window 1", .request1, "/s"),
            ("B: p50", .requestMedian, "ms"), ("B: window 16", .request16, "/s"), ("B: window 64", .request64, "/s"),
            ("B: window 128", .request128, "/s"), ("C: confirmed publish, window 1", .confirm1, "/s"),
            ("C: p50", .confirmMedian, "ms"), ("C: window 200", .confirm200, "/s"), ("D: durable steps of one order, p50", .durableSteps, "ms"),
        ]
        let rows = wanted.compactMap { title, figure, unit in
            record.figures[figure].map { [title, "\(Self.spread($0)) \(unit)"] }
        }
        return TextTable.text(["limit", "measured (min–max)"], rows, paint)
    }

    private func costs(_ paint: Paint) -> String {
        let roles = Set(record.costs.flatMap(\.processorSeconds.keys))
        var medians = roles.map { role in (role, Self.median(record.costs.map { $0.processorSeconds[role, default: 0] })) }
        medians.sort { $0.1 > $1.1 }
        let sum = medians.reduce(0) { $0 + $1.1 }
        var rows = (medians + [("together", sum)]).map { [$0.0, "\(Figures.text($0.1 * 1000)) ms of a processor"] }
        rows.append(["commits", Figures.text(Self.median(record.costs.map(\.commits)))])
        rows.append(["syncs of the WAL", Figures.text(Self.median(record.costs.map(\.walSyncs)))])
        rows.append(["WAL", "\(Figures.text(Self.median(record.costs.map(\.walBytes)) / 1000)) kB"])
        if let messages = record.median(.messages), let deliveries = record.median(.deliveries) {
            rows.append(["messages", "\(Figures.text(messages)) published, \(Figures.text(deliveries)) delivered"])
        }
        return TextTable.text(["cost of one order", "median"], rows, paint)
    }

    private func memory(_ paint: Paint) -> String {
        let columns = [record.ownMemoryAtRest, record.proportionalMemoryAtRest, record.memoryAtRest, record.memoryUnderLoad]
        let rows = record.memoryAtRest.keys.sorted().map { role in
            [role] + columns.map { column in column[role].map { "\(Figures.text($0)) MB" } ?? "" }
        }
        return TextTable.text(["memory", "own at rest", "with its share", "resident", "resident under load"], rows, paint)
    }

    private static func median(_ values: [Double]) -> Double {
        var samples = Samples()
        for value in values { samples.add(value) }
        return samples.median ?? 0
    }

    /// Writes `<date>.json`, and the same as `latest.json` with `latest.svg`, which docs/PERFORMANCE.md shows.
    /// - Parameter asLatest: false leaves the latter as they are.
    /// - Throws: ``BenchError`` with code `output`.
    func write(to folder: String, asLatest: Bool) throws(BenchError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        let day = record.startedAt.formatted(.iso8601.timeSeparator(.omitted))
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let json = try encoder.encode(record)
            let chart = Data(Chart(record: record).svg.utf8)
            let files = [("\(day).json", json)] + (asLatest ? [("latest.json", json), ("latest.svg", chart)] : [])
            for (name, data) in files {
                try data.write(to: URL(filePath: "\(folder)/\(name)"), options: .atomic)
            }
        } catch {
            throw BenchError(.output, "The results cannot be written to \(folder): \(error)")
        }
    }
}
