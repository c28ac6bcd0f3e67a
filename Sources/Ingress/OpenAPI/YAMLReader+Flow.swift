extension YAMLReader {
    /// A value in flow style, as JSON has it: `{a: 1, b: [x, "y"]}`. It may span lines.
    mutating func flow() throws(Failure) -> YAMLNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw failure("there are more than \(Self.maximumDepth) levels") }
        switch current {
        case .openBrace: return try flowMapping()
        case .openBracket: return try flowSequence()
        case .quote, .doubleQuote:
            let line = self.line
            return node(.scalar(try quoted(), isPlain: false), at: line)
        default:
            let line = self.line
            return node(.scalar(try flowPlain(), isPlain: true), at: line)
        }
    }

    private mutating func flowMapping() throws(Failure) -> YAMLNode {
        let line = self.line
        advance()
        var members: [(key: String, value: YAMLNode)] = []
        var known: Set<String> = []
        while true {
            try skipToContent()
            if current == .closeBrace { break }
            let isQuoted = current == .quote || current == .doubleQuote
            let key = isQuoted ? try quoted() : try flowPlain()
            guard known.insert(key).inserted else { throw failure("'\(key)' is used twice") }
            try skipToContent()
            members.append((key, try flowMemberValue(isQuoted)))
            guard try isFollowedByMore(.closeBrace) else { break }
        }
        advance()
        return node(.mapping(members), at: line)
    }

    /// What follows a key: nothing, or a colon and a value. After a key in quotes the colon needs no space.
    private mutating func flowMemberValue(_ isQuoted: Bool) throws(Failure) -> YAMLNode {
        guard current == .colon, isQuoted || isFlowColon else { return node(.scalar("", isPlain: true), at: line) }
        advance()
        try skipToContent()
        if current == .comma || current == .closeBrace { return node(.scalar("", isPlain: true), at: line) }
        return try flow()
    }

    private mutating func flowSequence() throws(Failure) -> YAMLNode {
        let line = self.line
        advance()
        var elements: [YAMLNode] = []
        while true {
            try skipToContent()
            if current == .closeBracket { break }
            elements.append(try flow())
            guard try isFollowedByMore(.closeBracket) else { break }
        }
        advance()
        return node(.sequence(elements), at: line)
    }

    /// Moves past a comma; false at the closing bracket.
    private mutating func isFollowedByMore(_ closing: UInt8) throws(Failure) -> Bool {
        try skipToContent()
        if current == closing { return false }
        guard current == .comma else {
            throw failure(isAtEnd ? "a bracket is not closed" : "a comma or a closing bracket is expected")
        }
        advance()
        return true
    }

    /// A colon that ends a key in flow style.
    private var isFlowColon: Bool {
        guard current == .colon else { return false }
        return isColon || peek(1).map(Self.flowIndicators.contains) == true
    }

    private static let flowIndicators: Set<UInt8> = Set(",[]{}".utf8)

    private mutating func flowPlain() throws(Failure) -> String {
        if isAtEnd { throw failure("a bracket is not closed") }
        try refuseIndicator()
        var text: [UInt8] = []
        while let byte = current, !Self.flowIndicators.contains(byte), !isFlowColon {
            if byte == .numberSign, peek(-1) == .space || peek(-1) == .lineFeed { break }
            if byte == .lineFeed {
                while text.last == .space || text.last == .carriageReturn { _ = text.popLast() }
                try skipToContent()
                text.append(.space)
            } else {
                text.append(byte)
                advance()
            }
        }
        return Self.text(text)
    }
}
