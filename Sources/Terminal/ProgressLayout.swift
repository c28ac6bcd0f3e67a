/// How progress looks.
enum ProgressLayout {
    private static let nameWidth = 18
    private static let spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

    /// One line a part, redrawn again and again.
    static func frame(_ progress: Progress, at now: ContinuousClock.Instant, turn: Int, paint: Paint) -> [String] {
        progress.parts.map { part in
            let name = padded(part.name)
            switch part.state {
            case .waiting:
                return paint.dim("  · \(name)")
            case .running(let since):
                return "  \(paint.accent(spinner[turn % spinner.count])) \(name) \(paint.dim((now - since).inSeconds))"
            case .done(let elapsed):
                return "  \(paint.good("✓")) \(name) \(paint.dim(elapsed.inSeconds))\(remark(part, paint))"
            case .failed(let elapsed):
                return "  \(paint.bad("✗")) \(name) \(paint.dim(elapsed.inSeconds))\(remark(part, paint))"
            case .stopped(let elapsed):
                return "  – \(name) \(paint.dim(elapsed.inSeconds))"
            }
        }
    }

    /// The one line of a part that has ended, where nothing can be redrawn; nil before.
    static func line(_ part: Progress.Part) -> String? {
        let remark = part.remark.isEmpty ? "" : " (\(part.remark))"
        return switch part.state {
        case .waiting, .running: nil
        case .done(let elapsed): "\(part.name): done in \(elapsed.inSeconds)\(remark)"
        case .failed(let elapsed): "\(part.name): failed after \(elapsed.inSeconds)\(remark)"
        case .stopped(let elapsed): "\(part.name): stopped after \(elapsed.inSeconds)"
        }
    }

    private static func remark(_ part: Progress.Part, _ paint: Paint) -> String {
        part.remark.isEmpty ? "" : "  " + paint.dim(part.remark)
    }

    private static func padded(_ name: String) -> String {
        name + String(repeating: " ", count: max(0, nameWidth - name.count))
    }
}

extension Duration {
    /// Seconds with one decimal: `3.4 s`.
    package var inSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
