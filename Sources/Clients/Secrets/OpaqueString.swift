/// Passwords as RFC 8265 compares them (the PRECIS profile OpaqueString): the same however a keyboard composes its accents and whichever of Unicode's
/// blanks it types.
///
/// Nothing is refused here, though the profile forbids control characters: a password that was accepted before must go on working.
enum OpaqueString {
    /// UTF-8 in normalisation form C, with an ASCII space in place of every other blank. Case and width stay as they are.
    static func prepare(_ text: String) -> [UInt8] {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return Array(text.utf8) }
        var mapped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            mapped.append(scalar.properties.generalCategory == .spaceSeparator ? " " : scalar)
        }
        // The standard library's own normaliser, by which it compares texts; FoundationEssentials has none, and Foundation brings all of ICU's data.
        return String(mapped)._nfcCodeUnits
    }
}
