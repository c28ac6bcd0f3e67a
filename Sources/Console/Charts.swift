import Contracts
import FoundationEssentials
import Operator

/// Small charts as SVG, without styles, which the pages' content security policy forbids.
enum Chart {
    /// Bars for the hours of the last day, oldest first.
    static func hours(_ counts: [Int], wide: Bool = false) -> Markup {
        let (width, height, gap) = wide ? (20, 64, 4) : (4, 20, 1)
        let largest = max(counts.max() ?? 0, 1)
        let bars = counts.enumerated().compactMap { place, count -> Markup? in
            guard count > 0 else { return nil }
            let share = (Double(count) / Double(largest) * Double(height)).rounded()
            let bar = max(wide ? 3 : 2, Int(exactly: share) ?? height)
            return "<rect x=\"\(place * (width + gap))\" y=\"\(height - bar)\" width=\"\(width)\" height=\"\(bar)\" rx=\"1\"/>"
        }
        let whole = counts.count * (width + gap)
        // A wide chart fills its part of the page.
        let stretch: Markup = wide ? " preserveAspectRatio=\"none\"" : .nothing
        let label = "\(counts.reduce(0, &+)) in 24 hours, at most \(counts.max() ?? 0) in one hour"
        let baseline: Markup = "<rect class=\"base\" x=\"0\" y=\"\(height)\" width=\"\(whole)\" height=\"1\"/>"
        return """
            <svg class="\(wide ? "hours" : "spark")" viewBox="0 0 \(whole) \(height + 1)"\(stretch) width="\(whole)" height="\(height + 1)" role="img" aria-label="\(label)">\(baseline)\(bars)</svg>
            """
    }

    /// A bar from one share of the whole to another, in thousandths.
    static func span(from start: Int, to end: Int, isOpen: Bool) -> Markup {
        let (start, end) = (min(max(start, 0), 995), min(max(end, 0), 1_000))
        return """
            <svg class="span" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="base" x="0" y="4" width="1000" height="2"/>\
            <rect class="\(isOpen ? "open" : "done")" x="\(start)" y="0" width="\(max(5, end - start))" height="10"/></svg>
            """
    }

    static func progress(_ percent: Int, label: String) -> Markup {
        "<progress max=\"100\" value=\"\(percent)\" aria-label=\"\(label)\">\(percent) %</progress>"
    }
}
