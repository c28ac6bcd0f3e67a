import Glibc

/// Colours, on a terminal that wants them.
package struct Paint: Sendable {
    package let isColoured: Bool

    package init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    package func good(_ text: String) -> String { painted(text, "32") }
    package func bad(_ text: String) -> String { painted(text, "31") }
    package func accent(_ text: String) -> String { painted(text, "36") }
    package func dim(_ text: String) -> String { painted(text, "2") }
    package func bold(_ text: String) -> String { painted(text, "1") }
    /// The selected text. Also styled where there are no colours, because nothing else shows the selection.
    package func inverse(_ text: String) -> String { "\u{1B}[7m\(text)\u{1B}[0m" }

    private func painted(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// What standard output can do.
package struct Terminal: Sendable {
    /// In a narrower terminal lines would wrap, and wrapped lines cannot be redrawn.
    private static let minimumColumns = 60

    /// Whether lines can be redrawn.
    package let isLive: Bool
    /// How many characters fit on a line; nil where there is no limit, such as in a pipe.
    package let columns: Int?
    package let paint: Paint

    package init(isLive: Bool, isColoured: Bool, columns: Int? = nil) {
        self.isLive = isLive
        self.columns = columns
        paint = Paint(isColoured: isColoured)
    }

    /// - Parameter environment: `NO_COLOR` turns colour off (no-color.org), `TERM=dumb` all of it.
    package init(environment: [String: String]) {
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM", default: "dumb"] != "dumb"
        var size = winsize()
        let knowsSize = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let hasRoom = !knowsSize || Int(size.ws_col) >= Self.minimumColumns
        self.init(
            isLive: isTerminal && hasRoom, isColoured: isTerminal && environment["NO_COLOR", default: ""].isEmpty,
            columns: knowsSize && isTerminal ? Int(size.ws_col) : nil)
    }
}
