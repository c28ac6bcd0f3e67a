import Glibc

/// Colours, on a terminal that wants them.
struct Paint: Sendable {
    let isColoured: Bool

    func good(_ text: String) -> String { painted(text, "32") }
    func bad(_ text: String) -> String { painted(text, "31") }
    func accent(_ text: String) -> String { painted(text, "36") }
    func dim(_ text: String) -> String { painted(text, "2") }
    func bold(_ text: String) -> String { painted(text, "1") }

    private func painted(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// What standard output can do.
struct Terminal: Sendable {
    /// Below this, lines would wrap, and what wraps cannot be redrawn.
    private static let minimumColumns = 60

    /// Whether lines can be redrawn.
    let isLive: Bool
    let paint: Paint

    init(isLive: Bool, isColoured: Bool) {
        self.isLive = isLive
        paint = Paint(isColoured: isColoured)
    }

    /// - Parameter environment: `NO_COLOR` turns colour off (no-color.org), `TERM=dumb` all of it.
    init(environment: [String: String]) {
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM", default: "dumb"] != "dumb"
        var size = winsize()
        let knowsSize = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let hasRoom = !knowsSize || Int(size.ws_col) >= Self.minimumColumns
        self.init(isLive: isTerminal && hasRoom, isColoured: isTerminal && environment["NO_COLOR", default: ""].isEmpty)
    }
}
