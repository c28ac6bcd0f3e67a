import Contracts
import ShopClient
import Terminal

/// One line of a file of baskets.
enum BasketLine {
    private static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let blanks: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The names on the line, in its order, without the empty ones.
    /// - Parameter number: The line's number, from 1 on; for errors.
    static func names(_ line: some Collection<UInt8>, number: Int) throws(LoadError) -> [String] {
        var names: [String] = []
        for field in try fields(line, number) {
            guard let name = String(validating: field, as: UTF8.self) else {
                throw LoadError(.badInput, "line \(number) is not UTF-8.")
            }
            guard name.count <= Good.maximumNameLength else {
                throw LoadError(.badInput, "line \(number): an item's name has more than \(Good.maximumNameLength) characters.")
            }
            guard !name.unicodeScalars.contains(where: \.isControl) else {
                throw LoadError(.badInput, "line \(number): an item's name has a control character.")
            }
            if !name.isEmpty { names.append(name) }
        }
        return names
    }

    private static func fields(_ line: some Collection<UInt8>, _ number: Int) throws(LoadError) -> [[UInt8]] {
        var rest = Array(line)[...]
        if number == 1, rest.starts(with: byteOrderMark) { rest = rest.dropFirst(byteOrderMark.count) }
        var fields: [[UInt8]] = []
        while true {
            rest = rest.drop { blanks.contains($0) }
            if rest.first == quote {
                fields.append(trimmed(try quoted(&rest, number)[...]))
            } else {
                let field = rest.prefix { $0 != comma }
                fields.append(trimmed(field))
                rest = rest.dropFirst(field.count)
            }
            guard rest.popFirst() != nil else { return fields }
        }
    }

    /// Takes a quoted field, and the blanks behind it, off the line.
    private static func quoted(_ rest: inout ArraySlice<UInt8>, _ number: Int) throws(LoadError) -> [UInt8] {
        var parts: [ArraySlice<UInt8>] = []
        repeat {
            rest = rest.dropFirst()
            let part = rest.prefix { $0 != quote }
            guard part.endIndex < rest.endIndex else { throw LoadError(.badInput, "line \(number): a quote is not closed.") }
            parts.append(part)
            rest = rest[part.endIndex...].dropFirst()
        } while rest.first == quote
        rest = rest.drop { blanks.contains($0) }
        guard rest.isEmpty || rest.first == comma else {
            throw LoadError(.badInput, "line \(number): something other than a comma follows a closing quote.")
        }
        return Array(parts.joined(separator: [quote]))
    }

    private static func trimmed(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var field = field.drop { blanks.contains($0) }
        while let last = field.last, blanks.contains(last) { field = field.dropLast() }
        return Array(field)
    }
}
