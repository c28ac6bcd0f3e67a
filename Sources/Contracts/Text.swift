@_spi(_Unicode) import Swift

extension String {
    /// Normalisation form C: one spelling for what reads the same, as `é` and `e` with an accent after it. What is compared, unique or searched
    /// for by its bytes (PostgreSQL, other services) has this form. `FoundationEssentials` has no such function; the standard library has, unannounced.
    public var nfc: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in _nfc { scalars.append(scalar) }
        return String(scalars)
    }

    /// Whether there is a control character in it, or another one that ends a line. `allowingLines` lets line breaks and tabs pass, in text of
    /// several lines.
    public func hasControls(allowingLines: Bool = false) -> Bool {
        unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control: !(allowingLines && (scalar == "\n" || scalar == "\r" || scalar == "\t"))
            case .lineSeparator, .paragraphSeparator: !allowingLines
            default: false
            }
        }
    }
}
