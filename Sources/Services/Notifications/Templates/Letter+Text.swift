extension Letter {
    /// For mail readers without HTML, and for screen readers.
    var text: String {
        var blocks = [greeting, opening, code.map { "  \($0)" }].compactMap(\.self)
        let lines = items.map { "  \($0.what)" + ($0.amount.isEmpty ? "" : ": \($0.amount)") }
        if !lines.isEmpty { blocks.append(lines.joined(separator: "\n")) }
        if let total { blocks.append("\(total.label): \(total.value)") }
        if !facts.isEmpty { blocks.append(facts.map { "\($0.label): \($0.value)" }.joined(separator: "\n")) }
        if let link { blocks.append("\(link.label):\n\(link.value)") }
        if let address {
            blocks.append(address.label)
            blocks.append(address.lines.map { "  \($0)" }.joined(separator: "\n"))
        }
        if !closing.isEmpty { blocks.append(closing) }
        // The signature, as mail readers know it.
        return blocks.joined(separator: "\n\n") + "\n\n-- \n\(footer)\n"
    }
}
