import Contracts
import FoundationEssentials
import JSON

/// A shop's own wordings: a folder with files such as `orderShipped.de.json`, each with the members of ``Wording`` that it replaces.
public enum WordingFolder {
    /// Of one file.
    private static let maximumBytes = 64 << 10
    static let names: Set<String> = ["shop", "name", "number", "reason", "carrier", "trackingNumber", "tracking", "amount"]

    /// What is wrong with the folder or a file, for operators.
    public struct Misfit: Error, Sendable {
        public let message: String
    }

    private struct Replacement: Decodable {
        let subject, heading, opening, closing, text: String?
    }

    /// Reads all files once. A file that names no kind or language, or holds anything unexpected, is an error: it would be overlooked.
    public static func read(_ path: String) throws(Misfit) -> Wordings {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { throw Misfit(message: "the folder \(path) cannot be read") }
        var replacements: [String: [Language: Wording]] = [:]
        for name in names.sorted() where !name.hasPrefix(".") {
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count == 3, parts.last == "json", let kind = parts.first, let language = parts.dropFirst().first.flatMap(Language.init(rawValue:)),
                let standard = Wordings.standard.wording(kind, language)
            else { throw Misfit(message: "\(name) is not named after a kind and a language, as in orderShipped.de.json") }
            replacements[kind, default: [:]][language] = try wording(in: "\(path)/\(name)", name, replacing: standard)
        }
        return Wordings(replacements: replacements)
    }

    private static func wording(in path: String, _ name: String, replacing standard: Wording) throws(Misfit) -> Wording {
        guard let data = FileManager.default.contents(atPath: path), data.count <= maximumBytes, let given = try? JSON.decode(Replacement.self, from: Array(data)) else {
            throw Misfit(message: "\(name) is not a JSON object with texts for subject, heading, opening, closing or text")
        }
        let texts = [given.subject, given.heading, given.opening, given.closing, given.text].compactMap(\.self)
        guard !texts.contains(where: { $0.hasControls(allowingLines: true) }) else { throw Misfit(message: "\(name) has a control character") }
        if let unknown = texts.flatMap(placeholders).first(where: { !names.contains($0) }) {
            throw Misfit(message: "\(name) has {\(unknown)}; there are {\(names.sorted().joined(separator: "}, {"))}")
        }
        return Wording(
            given.subject ?? standard.subject, given.heading ?? standard.heading, given.opening ?? standard.opening, given.closing ?? standard.closing,
            text: given.text ?? standard.text)
    }

    private static func placeholders(_ text: String) -> [String] {
        text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().map { String($0.prefix { $0 != "}" }) }
    }
}
