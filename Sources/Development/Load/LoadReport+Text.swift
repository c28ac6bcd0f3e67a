import Terminal

extension LoadReport {
    private static let nameWidth = 36

    /// For people.
    func text(_ paint: Paint) -> String {
        var lines = [""]
        lines.append(row("Checkouts", "\(asked) by \(clients) clients: \(accepted) accepted, \(refused) refused", paint))
        lines.append(row("Orders", counts(states, none: "none settled"), paint))
        if !rejections.isEmpty { lines.append(row("Rejected because", counts(rejections), paint)) }
        lines.append(row("Attempts repeated", counts(retries, none: "none"), paint))
        if let seconds, let ordersPerSecond {
            lines.append(row("Throughput", "\(ordersPerSecond.tenths) orders/s, all in \(seconds.tenths) s", paint))
        }
        if let checkoutToAccepted { lines.append(row("Checkout to accepted", checkoutToAccepted.text, paint)) }
        if let checkoutToSettled {
            lines.append(row("Checkout to settled", "\(checkoutToSettled.text) (by \(settledBy))", paint))
        }
        lines.append("")
        if let checks {
            lines += checks.flatMap { self.lines($0, paint) }
            lines += ["", isGood ? paint.good("Everything adds up.") : paint.bad("It does not add up.")]
        } else {
            lines.append(paint.bad("The run ended early; nothing was reconciled."))
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ value: String, _ paint: Paint) -> String {
        "  \(paint.dim(name.padded(to: 22)))\(value)"
    }

    private func lines(_ check: Check, _ paint: Paint) -> [String] {
        let mark = check.isGood ? paint.good("✓") : paint.bad("✗")
        return ["  \(mark) \(check.name.padded(to: Self.nameWidth))\(check.detail)"] + check.culprits.map { "      \($0)" }
    }

    private func counts(_ counts: [String: Int], none: String = "") -> String {
        counts.isEmpty ? none : counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

extension LoadReport.Times {
    fileprivate var text: String {
        "p50 \(p50.inMilliseconds), p99 \(p99.inMilliseconds), longest \(longest.inMilliseconds)"
    }
}

extension Double {
    /// Of seconds: `3.4 ms`, `120 ms`.
    fileprivate var inMilliseconds: String {
        let milliseconds = self * 1000
        return milliseconds < 10 ? "\(milliseconds.tenths) ms" : "\(Int(milliseconds.rounded())) ms"
    }
}
