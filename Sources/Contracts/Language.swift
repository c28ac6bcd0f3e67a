/// The languages of texts for customers.
public enum Language: String, Sendable, CaseIterable {
    case english = "en"
    case german = "de"

    /// The language for a tag such as `de-AT` (RFC 5646); English without a tag, and for languages that Wharf has no texts in.
    public init(locale: String?) {
        let primary = locale?.split(whereSeparator: { $0 == "-" || $0 == "_" }).first?.lowercased()
        self = primary.flatMap(Self.init(rawValue:)) ?? .english
    }

    /// As people write it: `€1,234.50`, `1.234,50 €`.
    public func amount(_ money: Money) -> String {
        let parts = money.text.split(separator: " ")
        guard let figures = parts.first, let code = parts.last, parts.count == 2 else { return money.text }
        let isNegative = figures.hasPrefix("-")
        let digits = figures.drop { $0 == "-" }.split(separator: ".")
        guard let whole = digits.first else { return money.text }
        let (group, point) = self == .english ? (",", ".") : (".", ",")
        let number = ([Self.grouped(whole, by: group)] + digits.dropFirst().map(String.init)).joined(separator: point)
        let sign = isNegative ? "-" : ""
        switch (self, Self.symbols[String(code)]) {
        case (.english, let symbol?): return "\(sign)\(symbol)\(number)"
        case (.german, let symbol?): return "\(sign)\(number) \(symbol)"
        case (_, nil): return "\(sign)\(number) \(code)"
        }
    }

    /// Currency symbols that are unambiguous, or nearly always mean this currency.
    private static let symbols = ["EUR": "€", "GBP": "£", "USD": "$"]

    private static func grouped(_ digits: Substring, by separator: String) -> String {
        var text = ""
        for (index, digit) in digits.reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text = separator + text }
            text = String(digit) + text
        }
        return text
    }
}
