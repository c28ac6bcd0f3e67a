import FoundationEssentials
import ShopClient
import Terminal

/// How a run's progress looks.
enum LoadLayout {
    /// With the rest of the line less than the narrowest terminal that is redrawn.
    private static let barWidth = 24

    /// A few lines, redrawn again and again; none longer than 60 columns.
    static func frame(_ tally: Tally, _ phase: Scoreboard.Phase, _ size: Size, now: Date, paint: Paint) -> [String] {
        let (name, done, total) = part(tally, phase, size)
        guard total > 0 else { return ["  \(paint.accent(name))"] }
        let line = "  \(name.padded(to: 10)) \(paint.accent(bar(done, of: total))) \(done)/\(total)"
        guard phase == .orders else { return [line] }
        return [
            line + "  " + paint.dim("\(rate(tally, now).tenths)/s"),
            "  \(tally.accepted) accepted  \(paint.good("\(tally.sales) confirmed"))  \(tally.states[.rejected, default: 0]) rejected",
            "  \(tally.retried) attempts repeated  \(tally.refused) refused",
        ]
    }

    /// One line, where nothing can be redrawn.
    static func line(_ tally: Tally, _ phase: Scoreboard.Phase, _ size: Size, now: Date) -> String {
        let (name, done, total) = part(tally, phase, size)
        guard total > 0 else { return "\(name)…" }
        guard phase == .orders else { return "\(name): \(done) of \(total)" }
        return """
            \(name): \(done) of \(total) settled (\(tally.accepted) accepted, \(tally.sales) confirmed, \
            \(tally.states[.rejected, default: 0]) rejected, \(tally.refused) refused), \(tally.retried) attempts repeated, \
            \(rate(tally, now).tenths)/s
            """
    }

    /// The size of the run.
    struct Size: Sendable, Equatable {
        let goods: Int
        let orders: Int
    }

    private static func part(_ tally: Tally, _ phase: Scoreboard.Phase, _ size: Size) -> (String, Int, Int) {
        switch phase {
        case .connecting: ("connecting", 0, 0)
        case .catalogue: ("catalogue", tally.goodsReady, size.goods)
        case .carts: ("carts", tally.cartsFilled, size.orders)
        case .orders: ("orders", tally.settled, size.orders)
        case .audit: ("reconciling", 0, 0)
        }
    }

    private static func rate(_ tally: Tally, _ now: Date) -> Double {
        guard let start = tally.firstSentAt else { return 0 }
        return Double(tally.settled) / max(0.1, now.timeIntervalSince(start))
    }

    private static func bar(_ done: Int, of total: Int) -> String {
        let full = min(barWidth, done * barWidth / total)
        return String(repeating: "█", count: full) + String(repeating: "░", count: barWidth - full)
    }
}
