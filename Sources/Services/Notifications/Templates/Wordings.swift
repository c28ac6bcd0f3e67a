import Contracts

/// The wordings of all kinds in all languages: Wharf's own, each of which a shop can replace.
public struct Wordings: Sendable {
    /// Short texts around the wording.
    struct Labels: Sendable {
        let hello, total, refund, shipsTo, carrier, trackingNumber, track: String
        /// Where the news does not say which.
        let someCarrier, someAmount: String
        let automatic: String
    }

    public static let standard = Wordings(replacements: [:])

    /// By kind and language.
    private let replacements: [String: [Language: Wording]]

    init(replacements: [String: [Language: Wording]]) {
        self.replacements = replacements
    }

    /// Nil for a kind that does not exist.
    func wording(_ kind: String, _ language: Language) -> Wording? {
        replacements[kind]?[language] ?? Self.standard(language)[kind]
    }

    func labels(_ language: Language) -> Labels {
        switch language {
        case .english: Self.englishLabels
        case .german: Self.germanLabels
        }
    }

    func reasons(_ language: Language) -> [String: String] {
        switch language {
        case .english: Self.englishReasons
        case .german: Self.germanReasons
        }
    }

    static func standard(_ language: Language) -> [String: Wording] {
        switch language {
        case .english: english
        case .german: german
        }
    }
}
