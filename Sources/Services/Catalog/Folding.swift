@_spi(_Unicode) import Swift

extension StringProtocol {
    /// Lower-case, without accents and letter variants, like the database's `fold`, except for rare variants.
    var folded: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return lowercased() }
        var scalars = String.UnicodeScalarView()
        for scalar in lowercased()._nfd where !(0x300...0x36F).contains(scalar.value) {
            if let other = foldedLetters[scalar] { scalars.append(contentsOf: other.unicodeScalars) } else { scalars.append(scalar) }
        }
        return String(scalars)
    }
}

private let foldedLetters: [Unicode.Scalar: String] = [
    "ø": "o", "đ": "d", "ł": "l", "ı": "i", "ς": "σ", "ð": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th",
]
