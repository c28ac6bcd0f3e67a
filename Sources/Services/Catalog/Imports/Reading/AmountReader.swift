import Contracts

/// Reads prices as people and spreadsheets write them. What can be meant in two ways is refused by name: a price that is wrong by a factor of 100 is worse
/// than none.
enum AmountReader {
    enum Mark: String, Sendable, Codable, CaseIterable {
        case point, comma
    }

    /// How the whole amounts of one file are meant, where it does not say: a column with 19.99 in it does not have 20 for 20 cents.
    enum Form: String, Sendable, Codable {
        case minorUnits, decimals
    }

    struct Flaw: Error, Equatable {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// - Parameters:
    ///   - text: Without white space around it.
    ///   - digits: Of the currency's minor unit.
    ///   - mark: What the file's decimals begin with, where it was declared. Then a whole amount is one without decimals.
    ///   - form: Of the amounts before, and of this one afterwards. Nil for a column whose amounts are always decimals.
    static func minorUnits(_ text: String, digits: Int, mark: Mark?, form: inout Form?, isDecimal: Bool) throws(Flaw) -> Int {
        if isBroken(text) { throw Flaw("is a number that a spreadsheet has broken") }
        let figures = text.utf8
        if figures.first == UInt8(ascii: "-") { throw Flaw("is below zero") }
        guard !figures.isEmpty, figures.allSatisfy({ isDigit($0) || $0 == point || $0 == comma }), let first = figures.first, isDigit(first) else {
            throw Flaw("is not an amount: digits, and a decimal point or comma, are expected")
        }
        let separators = figures.filter { !isDigit($0) }
        if separators.isEmpty {
            let isMinor = mark == nil && !isDecimal
            if isMinor { try settle(&form, .minorUnits) }
            return try number(text, "", digits: isMinor ? 0 : digits)
        }
        if mark == nil, !isDecimal { try settle(&form, .decimals) }
        guard let mark else { return try undeclared(text, Array(separators), digits) }
        let (decimal, group) = mark == .point ? (point, comma) : (comma, point)
        let parts = text.utf8.split(separator: decimal, omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, let figures = ungrouped(whole, group) else {
            throw Flaw("is not an amount with a decimal \(mark.rawValue)")
        }
        let fraction = parts.dropFirst().first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard fraction.utf8.allSatisfy(isDigit) else { throw Flaw("is not an amount with a decimal \(mark.rawValue)") }
        return try number(figures, fraction, digits: digits)
    }

    /// 4.00638E+12: what is left of a long number once a spreadsheet has taken it for one to calculate with.
    static func isBroken(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "E"), omittingEmptySubsequences: false)
        guard parts.count == 2, let mantissa = parts.first, let exponent = parts.last, let sign = exponent.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            return false
        }
        return exponent.count > 1 && exponent.dropFirst().allSatisfy(isDigit) && mantissa.contains { $0 == point || $0 == comma }
            && mantissa.allSatisfy { isDigit($0) || $0 == point || $0 == comma }
    }

    private static let point = UInt8(ascii: ".")
    private static let comma = UInt8(ascii: ",")

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Only a point, and digits behind it that no thousand has, can be meant in one way.
    private static func undeclared(_ text: String, _ separators: [UInt8], _ digits: Int) throws(Flaw) -> Int {
        let parts = text.utf8.split(separator: point, omittingEmptySubsequences: false)
        guard separators == [point], let whole = parts.first, let fraction = parts.last, fraction.count != 3, !fraction.isEmpty else {
            throw Flaw("is ambiguous: declare decimal=comma or decimal=point")
        }
        return try number(String(decoding: whole, as: UTF8.self), String(decoding: fraction, as: UTF8.self), digits: digits)
    }

    private static func settle(_ form: inout Form?, _ new: Form) throws(Flaw) {
        guard form ?? new == new else {
            throw Flaw("is ambiguous: some amounts of this file have decimals and others have none; declare decimal=point or decimal=comma")
        }
        form = new
    }

    /// Without the separators between groups of three; nil where they stand elsewhere.
    private static func ungrouped(_ whole: Substring.UTF8View.SubSequence, _ group: UInt8) -> String? {
        let groups = whole.split(separator: group, omittingEmptySubsequences: false)
        guard let first = groups.first, !first.isEmpty, groups.allSatisfy({ $0.allSatisfy(isDigit) }) else { return nil }
        guard groups.count == 1 || first.count <= 3 && groups.dropFirst().allSatisfy({ $0.count == 3 }) else { return nil }
        return groups.map { String(decoding: $0, as: UTF8.self) }.joined()
    }

    private static func number(_ whole: String, _ fraction: String, digits: Int) throws(Flaw) -> Int {
        let significant = fraction.utf8.reversed().drop { $0 == UInt8(ascii: "0") }.count
        guard significant <= digits else { throw Flaw("has more decimals than its currency") }
        let figures = whole + fraction.prefix(digits) + String(repeating: "0", count: max(0, digits - fraction.utf8.count))
        guard figures.utf8.count <= 18, let amount = Int(figures), amount <= Money.maximumAmount else {
            throw Flaw("is above \(Money.maximumAmount) of its currency's minor unit")
        }
        return amount
    }
}
