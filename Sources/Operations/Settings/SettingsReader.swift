import Configuration
import FoundationEssentials
import Secrets

/// Reads settings one by one and records each for the table.
struct SettingsReader {
    /// How sensitive a value's text is.
    enum Secrecy {
        /// It may be shown.
        case open
        /// A URL, which may contain a password: it is shown without, and may be read from a file.
        case url
        /// It is never shown, and may be read from a file.
        case secret
    }

    private let configuration: ConfigReader
    private let environment: [String: String]
    private(set) var rows: [Settings.Row] = []
    /// Settings that may be given as `<NAME>_FILE`.
    private(set) var fileable: Set<String> = []
    /// What was read from files, by variable.
    private(set) var fileContents: [String: [UInt8]] = [:]

    init(environment: [String: String]) {
        self.environment = environment
        configuration = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
    }

    /// The value of a variable. Empty counts as not set: that is how compose files and shells omit a variable.
    mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, standard: Value, _ meaning: String, _ secrecy: Secrecy = .open
    ) throws(SettingError) -> Value {
        try read(name, format, secrecy, standard: "\(standard)", meaning) ?? standard
    }

    mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, unset: String = "", _ meaning: String, _ secrecy: Secrecy = .open
    ) throws(SettingError) -> Value? {
        try read(name, format, secrecy, standard: unset, meaning)
    }

    /// The value of a secret variable, as a ``Secret``, which no log shows.
    mutating func secret(_ name: String, as format: SettingFormat<String> = .secret, unset: String = "", _ meaning: String) throws(SettingError) -> Secret? {
        try read(name, format, .secret, standard: unset, meaning).map(Secret.init)
    }

    /// The values of a variable with several secrets.
    mutating func secrets(_ name: String, unset: String = "", _ meaning: String) throws(SettingError) -> [Secret] {
        try read(name, .secrets, .secret, standard: unset, meaning)?.map(Secret.init) ?? []
    }

    /// Whether the variable or its file is given.
    func has(_ name: String) -> Bool {
        [name, SecretFile.variable(name)].contains { environment[$0]?.isEmpty == false }
    }

    private mutating func read<Value>(
        _ name: String, _ format: SettingFormat<Value>, _ secrecy: Secrecy, standard: String, _ meaning: String
    ) throws(SettingError) -> Value? {
        let isFileable = secrecy != .open
        if isFileable { fileable.insert(name) }
        let meaning = isFileable ? "\(meaning); also as \(SecretFile.variable(name))" : meaning
        let (text, source) = try text(of: name, secrecy)
        guard let text else {
            note(name, value: standard, standard: standard, source: .standard, meaning)
            return nil
        }
        let shown = Redaction.shown(text, secrecy)
        do {
            let value = try format.parse(text)
            note(name, value: shown, standard: standard, source: source, meaning)
            return value
        } catch {
            throw SettingError(
                name: source == .file ? SecretFile.variable(name) : name, given: secrecy == .secret ? shown : "\"\(shown)\"",
                reason: error.reason, accepted: format.accepted)
        }
    }

    private mutating func text(of name: String, _ secrecy: Secrecy) throws(SettingError) -> (text: String?, source: Settings.Row.Source) {
        if secrecy != .open, let text = try SecretFile.read(for: name, in: environment) {
            fileContents[SecretFile.variable(name)] = Array(text.utf8)
            return (text, .file)
        }
        let key = ConfigKey(name.lowercased().split(separator: "_").map(String.init))
        let text = configuration.string(forKey: key, isSecret: secrecy == .secret).flatMap { $0.isEmpty ? nil : $0 }
        return (text, .environment)
    }

    private mutating func note(
        _ name: String, value: String, standard: String, source: Settings.Row.Source, _ meaning: String
    ) {
        rows.append(
            Settings.Row(
                name: name, value: value, standard: standard, source: source, meaning: meaning))
    }
}
