import Contracts
import FoundationEssentials
import Logging

/// The form and the meaning of a setting's text.
struct SettingFormat<Value: Sendable>: Sendable {
    /// A description of valid texts, for operators.
    let accepted: String
    let parse: @Sendable (String) throws(Misfit) -> Value

    init(accepted: String, parse: @escaping @Sendable (String) throws(Misfit) -> Value) {
        self.accepted = accepted
        self.parse = parse
    }

    init(accepted: String, value: @escaping @Sendable (String) -> Value?) {
        self.init(accepted: accepted) { text throws(Misfit) in
            guard let value = value(text) else { throw Misfit() }
            return value
        }
    }
}

/// Why a text is rejected, if there is more to say than what would be accepted. Quotes no part of it.
struct Misfit: Error {
    var reason = ""
}

extension SettingFormat where Value == String {
    static let text = SettingFormat(accepted: "text without control characters") { text in
        text.unicodeScalars.contains(where: \.isControl) ? nil : text
    }

    /// Keys, tokens and passwords: an accidentally copied line break or blank would break them invisibly.
    static let secret = SettingFormat(accepted: "visible ASCII characters without white space, also at the ends") { text in
        text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
    }

    /// It is started without a shell.
    static let executable = SettingFormat(accepted: "the absolute path of an executable file, without arguments") { text in
        text.hasPrefix("/") && !text.unicodeScalars.contains(where: \.isControl) ? text : nil
    }

    /// In the form `Wharf <shop@example.com>` or the address alone.
    static let mailAddress = SettingFormat(accepted: "an e-mail address, as in Wharf <shop@example.com>") { text in
        MailAddress(text) == nil ? nil : text
    }
}

extension SettingFormat where Value == [String] {
    /// Secrets of one purpose that are valid at the same time.
    static let secrets = SettingFormat(accepted: "visible ASCII characters without white space; several secrets are separated by commas") { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let areSecrets = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
        return areSecrets ? parts : nil
    }
}

extension SettingFormat where Value == [String] {
    /// Codes of causes, as dead letters have them.
    static let causes = SettingFormat(accepted: "causes of dead letters, such as gateway-unreachable, separated by commas") { text in
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let areCodes = parts.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D } }
        return areCodes ? parts : nil
    }
}

extension SettingFormat where Value == [UUID] {
    /// Ids of groups of dead letters.
    static let groups = SettingFormat(accepted: "ids of groups of dead letters, separated by commas") { text in
        let ids = text.split(separator: ",", omittingEmptySubsequences: false).map { UUID(uuidString: String($0)) }
        return ids.contains(nil) ? nil : ids.compactMap(\.self)
    }
}

extension SettingFormat where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> SettingFormat {
        SettingFormat(accepted: "an integer from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    static let days = SettingFormat(accepted: "days from 0 to 36500") { text in
        Int(text).flatMap { (0...36_500).contains($0) ? $0 : nil }
    }
}

extension SettingFormat where Value == Double {
    static func seconds(_ range: ClosedRange<Double>) -> SettingFormat {
        SettingFormat(accepted: "seconds from \(Int(range.lowerBound)) to \(Int(range.upperBound)), as in 0.5") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension SettingFormat where Value == ListenAddress {
    static let address = SettingFormat(accepted: "host:port, port 0 for any", value: { ListenAddress($0) })
}

extension SettingFormat where Value == Logger.Level {
    static let logLevel = SettingFormat(
        accepted: Logger.Level.allCases.map(\.rawValue).joined(separator: ", "), value: { Logger.Level(rawValue: $0.lowercased()) })
}

extension SettingFormat where Value == Set<GatewayName> {
    static let gateways = SettingFormat(accepted: "one or more of \(GatewayName.allCases.map(\.rawValue).joined(separator: ", ")), separated by commas") { text in
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map { GatewayName(rawValue: String($0)) }
        return names.contains(nil) ? nil : Set(names.compactMap(\.self))
    }
}

extension SettingFormat where Value == CaptureMode {
    static let captureMode = SettingFormat(
        accepted: CaptureMode.allCases.map(\.rawValue).joined(separator: ", "), value: { CaptureMode(rawValue: $0) })
}

extension SettingFormat where Value == LogFormat {
    static let logFormat = SettingFormat(
        accepted: LogFormat.allCases.map(\.rawValue).joined(separator: ", "), value: { LogFormat(rawValue: $0.lowercased()) })
}
