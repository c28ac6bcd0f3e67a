import Configuration

/// Reads one setting after the other and remembers each for the table.
struct SettingsReader {
    private let configuration: ConfigReader
    private(set) var rows: [Settings.Row] = []

    init(environment: [String: String]) {
        configuration = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
    }

    /// The value of a variable. Empty counts as not set: that is how compose files and shells leave a variable out.
    mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, standard: Value, _ meaning: String, isSecret: Bool = false
    ) throws(SettingError) -> Value {
        try read(name, format, isSecret: isSecret, standard: "\(standard)", meaning) ?? standard
    }

    mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, unset: String = "", _ meaning: String, isSecret: Bool = false
    ) throws(SettingError) -> Value? {
        try read(name, format, isSecret: isSecret, standard: unset, meaning)
    }

    private mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, isSecret: Bool, standard: String, _ meaning: String
    ) throws(SettingError) -> Value? {
        let key = ConfigKey(name.lowercased().split(separator: "_").map(String.init))
        let text = configuration.string(forKey: key, isSecret: isSecret).flatMap { $0.isEmpty ? nil : $0 }
        let shown = text.map { isSecret ? Redaction.hidden : Redaction.url($0) }
        if let text, let shown {
            guard let value = format.parse(text) else {
                throw SettingError(name: name, given: isSecret ? shown : "\"\(shown)\"", accepted: format.accepted)
            }
            note(name, value: shown, standard: standard, source: .environment, meaning)
            return value
        }
        note(name, value: Redaction.url(standard), standard: standard, source: .standard, meaning)
        return nil
    }

    private mutating func note(
        _ name: String, value: String, standard: String, source: Settings.Row.Source, _ meaning: String
    ) {
        rows.append(Settings.Row(
            name: name, value: value, standard: Redaction.url(standard), source: source, meaning: meaning))
    }
}
