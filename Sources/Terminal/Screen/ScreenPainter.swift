/// Updates the screen by writing only the lines that differ, so that frequent redraws do not flicker.
package struct ScreenPainter: Sendable {
    /// Terminals that know synchronized output show what is between the two at once; others ignore them.
    private static let begin = "\u{1B}[?2026h"
    private static let end = "\u{1B}[?2026l"

    private var shown: [String] = []
    private var columns = 0

    package init() {}

    /// What is to be written so that the screen shows these lines; empty when it does.
    package mutating func text(for lines: [String], columns: Int) -> String {
        // After a change of size, the content of the terminal is unknown.
        let isNew = columns != self.columns || lines.count != shown.count
        var text = isNew ? "\u{1B}[2J" : ""
        for (row, line) in lines.enumerated() where isNew || shown[row] != line {
            text += "\u{1B}[\(row + 1);1H\(line)\u{1B}[0m\u{1B}[K"
        }
        (shown, self.columns) = (lines, columns)
        return text.isEmpty ? "" : Self.begin + text + Self.end
    }

    /// Forgets what the screen shows: something else has written to it.
    package mutating func forget() { shown = [] }
}
