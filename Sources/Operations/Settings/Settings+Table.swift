extension Settings: CustomStringConvertible, CustomReflectable {
    /// One setting as `wharf settings` shows it; secrets are hidden.
    public struct Row: Sendable, Hashable {
        public enum Source: String, Sendable {
            case environment = "env"
            case file
            case standard = "default"
        }

        public let name: String
        /// The value in force; empty when there is none.
        public let value: String
        /// The default; empty when there is none.
        public let standard: String
        public let source: Source
        public let meaning: String
    }

    /// The same as ``tableText()``, so that printing settings reveals no secret.
    public var description: String { tableText() }

    public var customMirror: Mirror { Mirror(self, children: rows.map { (label: $0.name, value: $0.value) }) }

    /// All settings, in the order of their documentation.
    public func table() -> [Row] { rows }

    /// The table as text: name, value, source, default, meaning, in columns.
    public func tableText() -> String {
        let head = ["NAME", "VALUE", "SOURCE", "DEFAULT", "MEANING"]
        let lines = [head] + rows.map { [$0.name, $0.value, $0.source.rawValue, $0.standard, $0.meaning].map { $0.isEmpty ? "-" : $0 } }
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { $0.padded(to: $1) }.joined(separator: "  ").trimmingSuffix { $0 == " " } + "\n"
        }.joined()
    }
}

extension String {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> Substring {
        guard let last = lastIndex(where: { !isDropped($0) }) else { return "" }
        return self[...last]
    }
}
