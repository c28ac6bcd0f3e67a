import Contracts
import FoundationEssentials
import JSON
import Secrets

// Parameters of path, query and headers.
extension Fields {
    public mutating func optionalParameter(_ name: String, _ length: ClosedRange<Int> = 1...200) -> String? {
        guard let text = parameters[name]?.nfc else { return nil }
        guard length.contains(text.unicodeScalars.count), !text.hasControls() else {
            note(name, "must have \(length.phrase) characters, none of them a control character")
            return nil
        }
        return text
    }

    public mutating func parameter(_ name: String, _ length: ClosedRange<Int> = 1...200) -> String {
        let value = optionalParameter(name, length)
        return required(name, value, "")
    }

    /// A UUID in the path. Text that is not a UUID identifies nothing, so the answer is the 404 of an unknown one.
    public func uuidParameter(_ name: String, of what: String) throws(Problem) -> UUID {
        guard let id = parameters[name].flatMap(UUID.init(text:)) else { throw Problem.notFound(what) }
        return id
    }

    /// A UUID query parameter.
    public mutating func optionalUUIDParameter(_ name: String) -> UUID? {
        guard let text = parameters[name] else { return nil }
        let id = UUID(text: text)
        if id == nil { note(name, "must be a UUID") }
        return id
    }

    /// The `If-Match` that the change is conditional on.
    public mutating func ifMatch() -> EntityTags? {
        optionalParameter("if-match", 1...Self.maximumConditionLength).map(EntityTags.init)
    }

    private static var maximumConditionLength: Int { 1_000 }

    public mutating func integerParameter(_ name: String, _ range: ClosedRange<Int>, default standard: Int) -> Int {
        guard let text = parameters[name] else { return standard }
        guard let value = Int(text), range.contains(value) else {
            note(name, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return standard
        }
        return value
    }

    public mutating func choiceParameter(_ name: String, _ allowed: [String], default standard: String) -> String {
        guard let text = parameters[name] else { return standard }
        guard allowed.contains(text) else {
            note(name, "must be one of \(allowed.joined(separator: ", "))")
            return standard
        }
        return text
    }

    /// A time in RFC 3339; nil where it is not given.
    public mutating func timeParameter(_ name: String) -> Date? {
        guard let text = parameters[name] else { return nil }
        guard let time = try? JSON.decode(Date.self, from: JSON.encode(text)) else {
            note(name, "must be a time such as 2026-03-01T12:30:00Z")
            return nil
        }
        return time
    }

    /// False where it is not given.
    public mutating func flagParameter(_ name: String) -> Bool {
        choiceParameter(name, ["true", "false"], default: "false") == "true"
    }

    public func has(parameter name: String) -> Bool { parameters[name] != nil }

    /// Parameters whose names begin with `prefix`, keyed by the rest of their names.
    public mutating func parameters(prefixed prefix: String, maximum: Int) -> [(name: String, value: String)] {
        let names = parameters.keys.filter { $0.hasPrefix(prefix) && $0 != prefix }.sorted()
        if names.count > maximum { note("\(prefix)*", "must be at most \(maximum)") }
        return names.prefix(maximum).map { (String($0.dropFirst(prefix.count)).nfc, parameter($0)) }
    }

    /// A cursor of another list is rejected: its position means nothing in this one.
    ///
    /// - Parameters:
    ///   - order: how the list is sorted, where the client can choose.
    ///   - selection: what is listed, where the client can choose. A cursor contains only its hash, so it may be long.
    public mutating func page(in order: String? = nil, of selection: String? = nil) -> PageRequest {
        let list = [operation, order, selection.map { String(SHA256.hex($0).prefix(Self.selectionHashLength)) }].compactMap(\.self).joined(separator: " ")
        let limit = integerParameter("limit", 1...PageRequest.maximumLimit, default: PageRequest.defaultLimit)
        let first = PageRequest(limit: limit, after: nil, list: list)
        guard let cursor = parameters["cursor"] else { return first }
        guard let key = PageRequest.decode(cursor) else {
            note("cursor", "is not a valid cursor")
            return first
        }
        guard key.first == list else {
            note("cursor", "is a cursor of another list, or of this list with another search, filter or order")
            return first
        }
        return PageRequest(limit: limit, after: Array(key.dropFirst()), list: list)
    }

    private static var selectionHashLength: Int { 16 }

    /// Where the previous page ended; nil for the first page.
    public mutating func position<Cursor: PageCursor>(_ page: PageRequest, _ type: Cursor.Type = Cursor.self) -> Cursor? {
        position(page, read: Cursor.init)
    }

    /// The same in a list by time and id.
    public mutating func position(_ page: PageRequest) -> (Date, UUID)? {
        position(page) { key in
            guard key.count == 2, let seconds = key.first.flatMap({ Double($0) }), let id = key.last.flatMap({ UUID(text: $0) }) else { return nil }
            return (Date(timeIntervalSince1970: seconds), id)
        }
    }

    public mutating func position<Position>(_ page: PageRequest, read: ([String]) -> Position?) -> Position? {
        guard let key = page.after else { return nil }
        let position = read(key)
        if position == nil { note("cursor", "is not a cursor of this list") }
        return position
    }
}
