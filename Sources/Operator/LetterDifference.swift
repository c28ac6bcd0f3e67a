import Terminal

/// Two bodies compared, line by line, after JSON is indented.
package struct LetterDifference: Sendable {
    package enum Line: Sendable, Equatable {
        case same(String), removed(String), added(String)
    }

    /// Longer bodies are compared as a whole, because the time of the comparison grows with the square of the number of lines.
    private static let maximumLines = 2_000

    package let lines: [Line]

    package init(from old: String, to new: String) {
        let (old, new) = (PrettyJSON.lines(of: old), PrettyJSON.lines(of: new))
        guard old.count <= Self.maximumLines, new.count <= Self.maximumLines else {
            lines = old == new ? old.map(Line.same) : old.map(Line.removed) + new.map(Line.added)
            return
        }
        let changes = new.difference(from: old)
        let removed = Set(changes.removals.map(\.offset))
        let added = Set(changes.insertions.map(\.offset))
        var (lines, before, after): ([Line], Int, Int) = ([], 0, 0)
        while before < old.count || after < new.count {
            if removed.contains(before) {
                lines.append(.removed(old[before]))
                before += 1
            } else if added.contains(after) {
                lines.append(.added(new[after]))
                after += 1
            } else {
                guard after < new.count else { break }
                lines.append(.same(new[after]))
                (before, after) = (before + 1, after + 1)
            }
        }
        self.lines = lines
    }

    package var isEmpty: Bool { lines.allSatisfy { if case .same = $0 { true } else { false } } }

    package func text(_ paint: Paint) -> String {
        lines.map { line in
            switch line {
            case .same(let text): "  \(text)\n"
            case .removed(let text): paint.bad("- \(text)") + "\n"
            case .added(let text): paint.good("+ \(text)") + "\n"
            }
        }.joined()
    }
}

extension CollectionDifference.Change {
    fileprivate var offset: Int {
        switch self {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }
}
