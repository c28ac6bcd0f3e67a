/// Reads named values from a form, each checked, and at the end rejects all parameters that were not read.
struct ParameterReader {
    /// Stripe's own limits on metadata.
    static let maximumMetadataEntries = 50
    static let maximumMetadataKeyCharacters = 40
    static let maximumMetadataValueCharacters = 500
    /// Stripe's limit on most texts.
    static let maximumTextCharacters = 5_000

    private var entries: [FormParameters.Entry]

    init(_ parameters: FormParameters) {
        entries = parameters.entries
    }

    mutating func text(_ name: String) throws(StripeError) -> String? {
        let found = take { $0.name == name }
        guard let first = found.first else { return nil }
        guard found.count == 1 else { throw .invalidRequest("Received \(name) more than once.", parameter: name) }
        guard !first.value.isEmpty else { throw .emptyParameter(name) }
        guard first.value.count <= Self.maximumTextCharacters else {
            throw .invalidRequest("Invalid string: \(name) must be at most \(Self.maximumTextCharacters) characters", parameter: name)
        }
        return first.value
    }

    mutating func requiredText(_ name: String) throws(StripeError) -> String {
        guard let value = try text(name) else { throw .missingParameter(name) }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(StripeError) -> Int? {
        guard let value = try text(name) else { return nil }
        guard let number = Int(value) else { throw .invalidInteger(name, value: value) }
        guard number >= range.lowerBound else {
            throw .invalidInteger(name, message: "Invalid integer: \(name) must be greater than or equal to \(range.lowerBound)")
        }
        guard number <= range.upperBound else {
            throw .invalidInteger(name, message: "Invalid integer: \(name) must be no more than \(range.upperBound)")
        }
        return number
    }

    mutating func flag(_ name: String) throws(StripeError) -> Bool? {
        switch try text(name) {
        case nil: nil
        case "true": true
        case "false": false
        case let value?: throw .invalidRequest("Invalid boolean: \(value)", parameter: name)
        }
    }

    /// One of the cases of `Value`, by its raw value.
    mutating func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ name: String, of type: Value.Type
    ) throws(StripeError) -> Value? {
        guard let value = try text(name) else { return nil }
        guard let choice = Value(rawValue: value) else {
            let accepted = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidRequest("Invalid \(name): must be one of \(accepted)", parameter: name)
        }
        return choice
    }

    /// `name[]=a&name[]=b` or `name[0]=a&name[1]=b`, in the order sent; empty when there is none.
    mutating func list(_ name: String) throws(StripeError) -> [String] {
        try takeNested(name, where: { $0.allSatisfy(\.isNumber) }).map(\.value)
    }

    /// `metadata[key]=value`; an empty value unsets its key, and `metadata=` unsets all, as at Stripe.
    mutating func metadata() throws(StripeError) -> MetadataChange {
        var metadata: [String: String] = [:]
        let clears = !take { $0.name == "metadata" && $0.value.isEmpty }.isEmpty
        for (key, value) in try takeNested("metadata", where: { !$0.isEmpty && !$0.contains { $0 == "[" || $0 == "]" } }) {
            let name = "metadata[\(key)]"
            guard key.count <= Self.maximumMetadataKeyCharacters else {
                throw .invalidRequest("Metadata keys can have up to \(Self.maximumMetadataKeyCharacters) characters.", parameter: name)
            }
            guard value.count <= Self.maximumMetadataValueCharacters else {
                throw .invalidRequest("Metadata values can have up to \(Self.maximumMetadataValueCharacters) characters.", parameter: name)
            }
            metadata[key] = value
        }
        guard metadata.count <= Self.maximumMetadataEntries else {
            throw .invalidRequest("You can have up to \(Self.maximumMetadataEntries) metadata keys.", parameter: "metadata")
        }
        return MetadataChange(clears: clears, values: metadata)
    }

    /// Throws `parameter_unknown` when anything was left unread.
    func finish() throws(StripeError) {
        if let entry = entries.first { throw .unknownParameter(entry.name) }
    }

    private mutating func takeNested(
        _ name: String, where isKey: (Substring) -> Bool
    ) throws(StripeError) -> [(key: String, value: String)] {
        let prefix = "\(name)["
        return try take { $0.name.hasPrefix(prefix) }.map { entry throws(StripeError) in
            let key = entry.name.dropFirst(prefix.count).dropLast()
            guard entry.name.hasSuffix("]"), isKey(key) else { throw .unknownParameter(entry.name) }
            return (String(key), entry.value)
        }
    }

    private mutating func take(_ isWanted: (FormParameters.Entry) -> Bool) -> [FormParameters.Entry] {
        let found = entries.filter(isWanted)
        if !found.isEmpty { entries.removeAll(where: isWanted) }
        return found
    }
}
