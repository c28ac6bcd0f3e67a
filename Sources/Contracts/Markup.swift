/// HTML. A literal is HTML; every interpolated text and number is escaped for an element or a quoted attribute, so text from a message or a
/// customer is shown but never adds an element or an attribute.
public struct Markup: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// The escaped HTML.
    public private(set) var html: String

    private init(html: String) {
        self.html = html
    }

    public init(stringLiteral value: StaticString) {
        html = "\(value)"
    }

    public init(stringInterpolation: Interpolation) {
        html = stringInterpolation.html
    }

    /// Plain text, escaped.
    public init(_ text: String) {
        html = text.escapedForHTML
    }

    public static let nothing: Markup = ""

    public static func + (left: Markup, right: Markup) -> Markup { Markup(html: left.html + right.html) }
    public static func += (left: inout Markup, right: Markup) { left.html += right.html }

    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var html = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            html.reserveCapacity(literalCapacity)
        }

        public mutating func appendLiteral(_ literal: StaticString) {
            html += "\(literal)"
        }

        public mutating func appendInterpolation(_ text: some StringProtocol) {
            html += String(text).escapedForHTML
        }

        public mutating func appendInterpolation(_ number: some BinaryInteger) {
            html += "\(number)"
        }

        public mutating func appendInterpolation(_ markup: Markup) {
            html += markup.html
        }

        /// Adds nothing for nil.
        public mutating func appendInterpolation(_ markup: Markup?) {
            html += markup?.html ?? ""
        }

        public mutating func appendInterpolation(_ parts: [Markup]) {
            for part in parts { html += part.html }
        }
    }
}

extension Sequence<Markup> {
    public func joined(by separator: Markup = .nothing) -> Markup {
        var (whole, isFirst) = (Markup.nothing, true)
        for part in self {
            whole += isFirst ? part : separator + part
            isFirst = false
        }
        return whole
    }
}
