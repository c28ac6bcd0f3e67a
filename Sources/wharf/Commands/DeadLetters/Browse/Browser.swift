import Operator
import Terminal

/// The full-screen view of dead letters as a pure function: its state and a key, or a reply, determine the next state and the requests to the services. No I/O and no clock.
struct Browser: Sendable {
    enum Place: Sendable, Equatable {
        case groups
        /// Of one group, or all.
        case letters(group: String?)
        case letter(String)
        case help
    }

    enum Question: Sendable, Equatable {
        case search(String)
        /// About one letter.
        case decide(LetterDecision, letter: String)
        /// About all letters of a group, as many as a dry run has found.
        case decideAll(LetterDecision, group: String, count: Int, orders: Int)
        case keepEdit(letter: String, body: String)
    }

    /// Which letters are listed.
    struct Query: Sendable, Equatable {
        let group: String?
        let state: String
        let text: String?
        /// Nil for the first page.
        var cursor: String?
    }

    enum Effect: Sendable, Equatable {
        case loadGroups
        case loadLetters(Query)
        case loadLetter(String)
        case decide(LetterDecision, letter: String)
        case preview(LetterDecision, group: String)
        case decideAll(LetterDecision, group: String)
        /// Opens the editor on the letter's body.
        case edit(String)
        case saveEdit(letter: String, body: String)
        case quit
    }

    /// What has come back.
    enum Event: Sendable {
        case groups([LetterGroup])
        case letters([Letter], next: String?, Query)
        case letter(WholeLetter)
        case previewed(LetterDecision, group: String, selected: Int, orders: Int)
        case edited(letter: String, body: String?)
        case done(String)
        case failed(String)
    }

    static let states = ["open", "replayed", "handled", "discarded", "all"]
    /// The maximum number of letters kept: an operator who needs more can search.
    static let maximumLetters = 2_000
    /// When fewer letters than this follow the selected one, the next page is requested.
    private static let ahead = 20

    private(set) var places: [Place] = [.groups]
    private(set) var groups: [LetterGroup] = []
    private(set) var letters: [Letter] = []
    private(set) var whole: WholeLetter?
    private(set) var question: Question?
    private(set) var message = ""
    private(set) var state = "open"
    private(set) var text: String?
    /// By id, so that arriving letters do not move the selection.
    private(set) var selectedGroup: String?
    private(set) var selectedLetter: String?
    /// The first line of a letter that is shown.
    private(set) var scroll = 0
    private(set) var isLoading = true
    private var next: String?

    var place: Place { places.last ?? .groups }

    var groupIndex: Int { groups.firstIndex { $0.id == selectedGroup } ?? 0 }
    var letterIndex: Int { letters.firstIndex { $0.id == selectedLetter } ?? 0 }

    /// The first requests.
    static let first: [Effect] = [.loadGroups]

    // MARK: Keys

    /// - Parameter page: The lines of a list that the screen shows.
    mutating func press(_ key: Key, page: Int) -> [Effect] {
        if key == .interrupt { return [.quit] }
        message = ""
        if let question { return answer(question, key) }
        switch key {
        case .up, .character("k"): return move(by: -1)
        case .down, .character("j"): return move(by: 1)
        case .pageUp: return move(by: -page)
        case .pageDown, .character(" "): return move(by: page)
        case .home, .character("g"): return move(by: -Self.maximumLetters)
        case .end, .character("G"): return move(by: Self.maximumLetters)
        case .enter, .right, .character("l"): return open()
        case .escape, .left, .backspace, .character("q"), .character("h"): return back()
        case .character("?"):
            if place != .help { places.append(.help) }
            return []
        case .character("/"):
            guard place != .help else { return [] }
            question = .search(text ?? "")
            return []
        case .character("c"):
            guard case .letters = place, text != nil else { return [] }
            text = nil
            return reload()
        case .character("s"):
            guard case .letters = place else { return [] }
            state = Self.states[((Self.states.firstIndex(of: state) ?? 0) + 1) % Self.states.count]
            return reload()
        case .character("a"): return open(all: true)
        case .character("R"): return reload()
        case .character("r"): return decide(.replay)
        case .character("d"): return decide(.discard)
        case .character("u"): return decide(.restore)
        case .character("e"):
            guard let letter = chosen else { return [] }
            return [.edit(letter)]
        case .character, .tab, .interrupt: return []
        }
    }

    /// The letter that a decision is about.
    private var chosen: String? {
        switch place {
        case .letter(let id): id
        case .letters: letters.isEmpty ? nil : letters[letterIndex].id
        case .groups, .help: nil
        }
    }

    private mutating func answer(_ question: Question, _ key: Key) -> [Effect] {
        if case .search(let typed) = question { return search(typed, key) }
        self.question = nil
        guard key == .character("y") || key == .character("Y") else {
            message = "Nothing was changed."
            return []
        }
        isLoading = true
        switch question {
        case .search: return []
        case .decide(let decision, let letter): return [.decide(decision, letter: letter)]
        case .decideAll(let decision, let group, _, _): return [.decideAll(decision, group: group)]
        case .keepEdit(let letter, let body): return [.saveEdit(letter: letter, body: body)]
        }
    }

    private static let searchLength = 3...100

    private mutating func search(_ typed: String, _ key: Key) -> [Effect] {
        switch key {
        case .escape: question = nil
        case .backspace: question = .search(String(typed.dropLast()))
        case .character(let character) where typed.count < Self.searchLength.upperBound: question = .search(typed + String(character))
        case .enter:
            guard typed.isEmpty || Self.searchLength.contains(typed.count) else {
                message = "A search has at least \(Self.searchLength.lowerBound) characters."
                return []
            }
            question = nil
            text = typed.isEmpty ? nil : typed
            if case .letter = place { places.removeLast() }
            if place == .groups { places.append(.letters(group: nil)) }
            return reload()
        default: break
        }
        return []
    }

    private mutating func move(by count: Int) -> [Effect] {
        switch place {
        case .groups:
            guard !groups.isEmpty else { return [] }
            selectedGroup = groups[min(max(groupIndex + count, 0), groups.count - 1)].id
        case .letters:
            guard !letters.isEmpty else { return [] }
            let index = min(max(letterIndex + count, 0), letters.count - 1)
            selectedLetter = letters[index].id
            if index > letters.count - Self.ahead, next != nil, !isLoading, letters.count < Self.maximumLetters { return load(more: true) }
        case .letter: scroll = max(scroll + count, 0)
        case .help: break
        }
        return []
    }

    /// Keeps the last line of a letter on the screen.
    mutating func limitScroll(to last: Int) { scroll = min(scroll, max(last, 0)) }

    private mutating func open(all: Bool = false) -> [Effect] {
        switch place {
        case .groups:
            guard all || !groups.isEmpty else { return [] }
            let group = all ? nil : groups[groupIndex].id
            selectedGroup = group ?? selectedGroup
            (text, state) = (nil, "open")
            places.append(.letters(group: group))
            return reload()
        case .letters:
            guard !letters.isEmpty else { return [] }
            let id = letters[letterIndex].id
            (selectedLetter, scroll, whole) = (id, 0, nil)
            places.append(.letter(id))
            return reload()
        case .letter, .help: return []
        }
    }

    private mutating func back() -> [Effect] {
        guard places.count > 1 else { return [.quit] }
        places.removeLast()
        return place == .help ? [] : refresh()
    }

    private mutating func decide(_ decision: LetterDecision) -> [Effect] {
        if case .groups = place {
            guard !groups.isEmpty else { return [] }
            isLoading = true
            return [.preview(decision, group: groups[groupIndex].id)]
        }
        guard let letter = chosen else { return [] }
        question = .decide(decision, letter: letter)
        return []
    }

    // MARK: Loading

    /// Requests the current view again and keeps the selection. In a long list of letters only the first page is requested, and only while it is shown.
    mutating func refresh() -> [Effect] {
        switch place {
        case .groups: return [.loadGroups]
        case .letters: return letterIndex == 0 && question == nil ? load(more: false) : []
        case .letter(let id): return [.loadLetter(id)]
        case .help: return []
        }
    }

    private mutating func reload() -> [Effect] {
        isLoading = true
        if case .letters = place {
            (letters, next, selectedLetter) = ([], nil, nil)
            return load(more: false)
        }
        return refresh()
    }

    private mutating func load(more: Bool) -> [Effect] {
        guard var query else { return [] }
        if more { isLoading = true }
        query.cursor = more ? next : nil
        return [.loadLetters(query)]
    }

    /// Of the list that is shown.
    private var query: Query? {
        guard case .letters(let group) = place else { return nil }
        return Query(group: group, state: state, text: text)
    }

    // MARK: Replies

    mutating func receive(_ event: Event) -> [Effect] {
        isLoading = false
        switch event {
        case .groups(let groups):
            self.groups = groups
            if selectedGroup == nil { selectedGroup = groups.first?.id }
        case .letters(let page, let next, let asked):
            // A reply for an earlier view is dropped.
            guard let query, (query.group, query.state, query.text) == (asked.group, asked.state, asked.text) else { break }
            let known = Set(letters.map(\.id))
            letters = asked.cursor == nil ? page : letters + page.filter { !known.contains($0.id) }
            self.next = next
            if selectedLetter == nil { selectedLetter = letters.first?.id }
        case .letter(let whole):
            if place == .letter(whole.letter.id) { self.whole = whole }
        case .previewed(let decision, let group, let selected, let orders):
            guard selected > 0 else {
                message = "No letter in the group can be \(decision.done)."
                break
            }
            question = .decideAll(decision, group: group, count: selected, orders: orders)
        case .edited(let letter, let body):
            if let body { question = .keepEdit(letter: letter, body: body) } else { message = "Nothing has changed." }
        case .done(let text):
            message = text
            return refresh()
        case .failed(let text): message = text
        }
        return []
    }
}
