import FoundationEssentials

/// How far each goal is met, as bars that are readable on a light page and on a dark one.
struct Chart: Sendable {
    private static let width = 760
    private static let labels = 270
    private static let figures = 170
    private static let rowHeight = 28
    private static let top = 64
    private static let bottom = 34
    /// Bars beyond this are cut off: the figure next to them shows the rest.
    private static let maximumFulfilment = 3.0

    let record: BenchRecord

    var svg: String {
        let height = Self.top + record.rows.count * Self.rowHeight + Self.bottom
        let goal = x(1)
        let day = record.startedAt.formatted(.iso8601.year().month().day())
        let disturbance = record.disturbance.map { ", disturbed: others took \(Goals.percent($0)) of the processors" } ?? ""
        let bars = record.rows.enumerated().map { bar($1, at: Self.top + $0 * Self.rowHeight) }.joined(separator: "\n")
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.width)" height="\(height)" viewBox="0 0 \(Self.width) \(height)" role="img">
            <title>wharf-dev bench: measured against the goals</title>
            <style>
            text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
            .title { font-size: 16px; font-weight: 600 }
            .quiet { fill: #59636e; font-size: 12px }
            .met { fill: #2da44e } .missed { fill: #d1242f } .goal { stroke: #59636e; stroke-dasharray: 4 3 }
            @media (prefers-color-scheme: dark) {
            text { fill: #e6edf3 } .quiet { fill: #9198a1 } .goal { stroke: #9198a1 } .met { fill: #3fb950 } .missed { fill: #f85149 }
            }
            </style>
            <text class="title" x="12" y="24">wharf-dev bench, measured against the goals</text>
            <text class="quiet" x="12" y="44">\(Self.escaped("\(day), \(record.machine.processors) × \(record.machine.model)\(disturbance)"))</text>
            <text class="quiet" x="\(goal)" y="\(Self.top - 8)" text-anchor="middle">goal</text>
            \(bars)
            <line class="goal" x1="\(goal)" y1="\(Self.top)" x2="\(goal)" y2="\(height - Self.bottom)"/>
            <text class="quiet" x="12" y="\(height - 12)">Bars are the measured figure over its goal (the goal over the figure where less is better).</text>
            </svg>

            """
    }

    private func bar(_ row: BenchRow, at y: Int) -> String {
        let length = max(2, x(min(row.fulfilment, Self.maximumFulfilment)) - Self.labels)
        let middle = y + 18
        let figure = "\(Figures.text(row.ratio))\(row.limit.map { " × \($0)" } ?? " \(row.unit)")"
        return """
            <text x="\(Self.labels - 10)" y="\(middle)" text-anchor="end">\(Self.escaped(row.title))</text>
            <rect class="\(row.isMet ? "met" : "missed")" x="\(Self.labels)" y="\(y + 5)" width="\(length)" height="\(Self.rowHeight - 10)" rx="3"/>
            <text class="quiet" x="\(Self.labels + length + 8)" y="\(middle)">\(Self.escaped(figure))</text>
            """
    }

    private func x(_ fulfilment: Double) -> Int {
        let room = Double(Self.width - Self.labels - Self.figures)
        return Self.labels + Int(room * fulfilment / Self.maximumFulfilment)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
