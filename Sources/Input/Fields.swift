import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

/// Reads a request's input field by field and collects all errors, so that a client receives them at once.
///
/// Reading a wrong field notes the error and returns a placeholder; `Fields.read` throws before the placeholder can be used.
/// Fields in a command's body that were not read are errors too: a misspelt field must not be ignored silently.
public struct Fields {
    private let container: KeyedDecodingContainer<FieldName>?
    let parameters: [String: String]
    /// The requested operation.
    let operation: String
    private let prefix: String
    private var known: Set<String> = []
    public private(set) var errors: [Problem.FieldError] = []

    /// Throws a `Problem`: 400 for a body that is not JSON, 422 with the field errors for unacceptable input.
    public static func read<T>(_ request: Request, _ body: (inout Fields) throws -> T) throws -> T {
        var fields = try Fields(request)
        let value = try body(&fields)
        fields.noteUnknown()
        guard fields.errors.isEmpty else { throw Problem.invalidInput(fields.errors) }
        return value
    }

    private init(_ request: Request) throws {
        parameters = request.parameters
        operation = request.operation
        prefix = ""
        if request.body.isEmpty {
            container = nil
        } else {
            do {
                container = try JSON.fields(of: request.body, named: FieldName.self)
            } catch let fault as JSONSyntax.Fault {
                throw Problem.malformedJSON("The body is not valid JSON: \(fault).")
            } catch is DecodingError {
                throw Problem.invalidInput("body", "must be a JSON object")
            }
        }
    }

    private init(_ container: KeyedDecodingContainer<FieldName>?, prefix: String) {
        self.container = container
        self.parameters = [:]
        self.operation = ""
        self.prefix = prefix
    }

    public mutating func note(_ field: String, _ detail: String) {
        guard errors.count < Problem.maximumErrors else { return }
        errors.append(.init(field: prefix + field, detail: detail))
    }

    /// Accepts fields that are not read with these methods.
    public mutating func accept(_ fields: String...) { known.formUnion(fields) }

    private mutating func noteUnknown() {
        for key in container?.allKeys ?? [] where !known.contains(key.stringValue) {
            note(String(key.stringValue.prefix(60)), "is not a field of this request")
        }
    }
}

// MARK: - Merge patches (RFC 7396)

extension Fields {
    /// Whether the field is null, which clears it.
    public mutating func clears(_ field: String) -> Bool {
        known.insert(field)
        guard let container else { return false }
        return (try? container.decodeNil(forKey: FieldName(field))) == true
    }

    /// Notes which of the fields are null although they cannot be cleared.
    public mutating func refuseNull(_ fields: String...) {
        for field in fields where clears(field) { note(field, "cannot be null") }
    }
}

// MARK: - The body

extension Fields {
    public func has(_ field: String) -> Bool {
        guard let container else { return false }
        let key = FieldName(field)
        return container.contains(key) && (try? container.decodeNil(forKey: key)) == false
    }

    private mutating func optional<T: Decodable>(_ field: String, _ type: T.Type, _ named: String) -> T? {
        known.insert(field)
        do {
            return try container?.decodeIfPresent(T.self, forKey: FieldName(field))
        } catch {
            note(field, "must be \(named)")
            return nil
        }
    }

    mutating func required<T>(_ field: String, _ value: T?, _ standIn: T) -> T {
        if let value { return value }
        if !errors.contains(where: { $0.field == prefix + field }) { note(field, "is required") }
        return standIn
    }

    /// Text in normalisation form C without surrounding white space, its length in Unicode scalars as JSON Schema counts: a user-perceived character can
    /// have any number of them. Control characters are rejected; `lines` permits line breaks and tabs. Text without visible characters is empty.
    public mutating func optionalText(_ field: String, _ length: ClosedRange<Int> = 1...200, lines: Bool = false) -> String? {
        guard let text = optional(field, String.self, "a text") else { return nil }
        let trimmed = text.isBlank ? "" : text.nfc.trimmingWhitespace()
        guard length.contains(trimmed.unicodeScalars.count) else {
            note(field, "must have \(length.phrase) characters")
            return nil
        }
        guard !trimmed.hasControls(allowingLines: lines) else {
            note(field, "must not hold control characters")
            return nil
        }
        return trimmed
    }

    public mutating func text(_ field: String, _ length: ClosedRange<Int> = 1...200) -> String {
        let value = optionalText(field, length)
        return required(field, value, "")
    }

    /// Text exactly as sent: a password keeps its spaces. Its length is measured in normalisation form C, in which passwords are hashed.
    public mutating func secret(_ field: String, _ length: ClosedRange<Int>) -> String {
        guard let text = optional(field, String.self, "a text") else { return required(field, nil, "") }
        if !length.contains(text.nfc.unicodeScalars.count) {
            note(field, "must have \(length.phrase) characters")
        }
        return text
    }

    public mutating func optionalInteger(_ field: String, _ range: ClosedRange<Int>) -> Int? {
        guard let value = optional(field, Int.self, "an integer") else { return nil }
        guard range.contains(value) else {
            note(field, "must be from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    public mutating func integer(_ field: String, _ range: ClosedRange<Int>) -> Int {
        let value = optionalInteger(field, range)
        return required(field, value, range.lowerBound)
    }

    public mutating func optionalBoolean(_ field: String) -> Bool? {
        optional(field, Bool.self, "true or false")
    }

    public mutating func boolean(_ field: String) -> Bool {
        let value = optionalBoolean(field)
        return required(field, value, false)
    }

    public mutating func optionalUUID(_ field: String) -> UUID? {
        guard let text = optional(field, String.self, "a UUID") else { return nil }
        guard let id = UUID(text: text) else {
            note(field, "must be a UUID")
            return nil
        }
        return id
    }

    public mutating func uuid(_ field: String) -> UUID {
        let value = optionalUUID(field)
        return required(field, value, UUID.zero)
    }

    public mutating func choice(_ field: String, _ allowed: [String]) -> String {
        let value = optional(field, String.self, "a text")
        if let value, !allowed.contains(value) { note(field, "must be one of \(allowed.joined(separator: ", "))") }
        return required(field, value, allowed.first ?? "")
    }

    /// An amount that can be charged, in a currency that can be charged.
    public mutating func optionalMoney(_ field: String) -> Money? {
        optionalObject(field) { money in
            let value = Money(amount: money.integer("amount", 0...Money.maximumAmount), currency: money.text("currency", 3...3))
            if let flaw = value.flaw, !value.currency.isEmpty, flaw.field == "currency" || money.errors.isEmpty {
                money.note(flaw.field, flaw.detail)
            }
            return value
        }
    }

    public mutating func money(_ field: String) -> Money {
        let value = optionalMoney(field)
        return required(field, value, Money(amount: 0, currency: ""))
    }

    /// For a field that has a short form beside an object.
    public func isObject(_ field: String) -> Bool {
        (try? container?.nestedContainer(keyedBy: FieldName.self, forKey: FieldName(field))) != nil
    }

    public mutating func optionalObject<T>(_ field: String, _ read: (inout Fields) -> T) -> T? {
        guard let object = optional(field, OpenObject.self, "an object") else { return nil }
        var nested = Fields(object.container, prefix: "\(prefix)\(field).")
        let value = read(&nested)
        nested.noteUnknown()
        errors += nested.errors
        return value
    }

    public mutating func object<T>(_ field: String, _ read: (inout Fields) -> T) -> T {
        if let value = optionalObject(field, read) { return value }
        if !errors.contains(where: { $0.field == prefix + field }) { note(field, "is required") }
        var nothing = Fields(nil, prefix: "")
        return read(&nothing)
    }

    /// A list of objects, each read like the request itself: their fields are `lines[2].sku`.
    public mutating func optionalList<T>(_ field: String, _ count: ClosedRange<Int>, _ read: (inout Fields) -> T) -> [T]? {
        guard let objects = optional(field, [OpenObject].self, "a list of objects") else { return nil }
        guard count.contains(objects.count) else {
            note(field, "must have \(count.phrase) elements")
            return nil
        }
        return objects.enumerated().map { place, object in
            var nested = Fields(object.container, prefix: "\(prefix)\(field)[\(place)].")
            let value = read(&nested)
            nested.noteUnknown()
            for error in nested.errors where errors.count < Problem.maximumErrors { errors.append(error) }
            return value
        }
    }

    public mutating func list<T>(_ field: String, _ count: ClosedRange<Int>, _ read: (inout Fields) -> T) -> [T] {
        let value = optionalList(field, count, read)
        return required(field, value, [])
    }

    /// A value of any shape that the client chooses, stored as it is; at most `maximumBytes` of JSON.
    public mutating func optionalJSON<T: Codable>(
        _ field: String, _ type: T.Type, named: String, maximumBytes: Int = 16_384
    ) -> T? {
        guard let value = optional(field, type, named) else { return nil }
        guard let bytes = try? JSON.encode(value), bytes.count <= maximumBytes else {
            note(field, "must have at most \(maximumBytes) bytes")
            return nil
        }
        if (try? JSONSyntax(checking: bytes))?.holdsNUL == true {
            note(field, "must not hold the character U+0000")
            return nil
        }
        return value
    }
}

private struct FieldName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private struct OpenObject: Decodable {
    let container: KeyedDecodingContainer<FieldName>

    init(from decoder: any Decoder) throws {
        container = try decoder.container(keyedBy: FieldName.self)
    }
}

extension ClosedRange<Int> {
    var phrase: String { lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)" }
}

extension String {
    func trimmingWhitespace() -> String {
        var view = Substring(self)
        while view.first?.isWhitespace == true { view.removeFirst() }
        while view.last?.isWhitespace == true { view.removeLast() }
        return String(view)
    }
}
