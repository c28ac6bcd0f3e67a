/// A case against its goal.
struct BenchRow: Sendable, Codable, Equatable {
    enum Direction: String, Sendable, Codable {
        case atLeast, atMost
    }

    let name: String
    let title: String
    let unit: String
    let measured: Samples
    /// The reference of the comparison, and its median; nil where the goal is an absolute figure.
    var limit: String?
    var limitValue: Double?
    /// The measured median over the limit's, or the measured median itself.
    let ratio: Double
    let direction: Direction
    let goal: Double
    /// Whether the goal is met, or missed for a known reason outside the shop: then `remark` states it.
    let isMet: Bool
    var remark = ""

    /// 1 is the goal; more is better, whichever way the goal points.
    var fulfilment: Double {
        switch direction {
        case .atLeast: ratio / goal
        case .atMost: ratio > 0 ? goal / ratio : 1
        }
    }

    init(
        _ name: String, _ title: String, _ unit: String, _ measured: Samples, limit: (name: String, value: Double)? = nil, ratio: Double,
        _ direction: Direction, _ goal: Double, excuse: String? = nil, remark: String = ""
    ) {
        let isMet = direction == .atLeast ? ratio >= goal : ratio <= goal
        self.name = name
        self.title = title
        self.unit = unit
        self.measured = measured
        self.limit = limit?.name
        limitValue = limit?.value
        self.ratio = ratio
        self.direction = direction
        self.goal = goal
        self.isMet = isMet || excuse != nil
        self.remark = isMet ? remark : [excuse, remark].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// `≥ 0.9 × checkouts`
    var goalText: String {
        let sign = direction == .atLeast ? "≥" : "≤"
        guard let limit else { return "\(sign) \(Figures.text(goal)) \(unit)" }
        return "\(sign) \(Figures.text(goal)) × \(limit)"
    }
}

/// How numbers are written.
enum Figures {
    /// Three or four significant digits: `312`, `31.2`, `3.12`, `0.31`.
    static func text(_ value: Double) -> String {
        let size = value.magnitude
        return decimal(value, places: size >= 100 ? 0 : size >= 10 ? 1 : 2)
    }

    /// - Parameter places: behind the point; zeros at the end are left out.
    static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "–" }
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        let whole = Int((value.magnitude * scale).rounded())
        let digits = String(whole)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard places > 0 else { return sign + padded }
        var fraction = String(padded.suffix(places))
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return sign + padded.dropLast(places) + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}
