import FoundationEssentials
import LocalState
import ShopClient
import Terminal

/// Which shop is put under load, and with which credentials. What is not specified is taken from the `wharf-dev up` of the working folder.
struct LoadTarget: Sendable, Equatable {
    static let standardURL = "http://127.0.0.1:8080"
    private static let schemes = ["http://", "https://"]
    private static let thisMachine = ["127.0.0.1", "localhost", "[::1]"]

    /// The command line's options.
    struct Choice: Sendable, Equatable {
        var url: String?
        var ledger: String?
        /// The key of a sandbox that does not belong to this folder.
        var ledgerKey: String?
        var email: String?
        var password: String?
    }

    /// The part of `up.json` that matters here.
    struct Record: Sendable, Equatable, Decodable {
        var url: String?
        var httpAddress: String?
        var sandboxURL: String?
        var adminEmail: String?

        fileprivate var shop: String? { url ?? httpAddress.map { "http://\($0)" } }
    }

    /// The part of `secrets.json` that matters here.
    struct Secrets: Sendable, Equatable, Decodable {
        var adminPassword: String?
        var stripeAPIKey: String?
    }

    /// The shop's URL, without a slash at the end.
    let url: String
    /// The payment sandbox's URL, without a slash at the end; nil when there is none, and then payments are not checked.
    let ledger: String?
    /// The sandbox's API key.
    let ledgerKey: String?
    let email: String
    let password: String

    /// - Throws: ``LoadError`` with code `settings`.
    init(_ choice: Choice, folder: StateFolder = StateFolder()) throws(LoadError) {
        let record: Record?
        let secrets: Secrets?
        do {
            record = try folder.read(from: StateFolder.recordFile)
            secrets = try folder.read(from: StateFolder.secretsFile)
        } catch {
            throw LoadError(.settings, "\(error)")
        }
        try self.init(choice, record: record ?? Record(), secrets: secrets ?? Secrets())
    }

    init(_ choice: Choice, record: Record, secrets: Secrets) throws(LoadError) {
        let own = try Self.checked(record.shop ?? Self.standardURL, "url")
        url = try Self.checked(choice.url ?? own, "url")
        // Neither the ledger nor the password of one shop is of use for another, and the password must not be sent to another shop.
        let isOwn = url == own
        ledger = try (choice.ledger ?? (isOwn ? record.sandboxURL : nil)).map { ledger throws(LoadError) in
            try Self.checked(ledger, "ledger")
        }
        let ownLedger = try record.sandboxURL.map { ledger throws(LoadError) in try Self.checked(ledger, "ledger") }
        ledgerKey = ledger != nil && ledger == ownLedger ? secrets.stripeAPIKey : choice.ledgerKey
        guard let email = choice.email ?? (isOwn ? record.adminEmail : nil) else { throw .unsaid("--admin-email") }
        guard let password = choice.password ?? (isOwn ? secrets.adminPassword : nil) else { throw .unsaid("--admin-password") }
        self.email = email
        self.password = password
    }

    /// Whether the shop runs on this machine and so uses the same clock.
    var isThisMachine: Bool {
        let host = url.drop { $0 != "/" }.drop { $0 == "/" }
        return Self.thisMachine.contains { host == $0 || host.hasPrefix("\($0):") || host.hasPrefix("\($0)/") }
    }

    private static func checked(_ url: String, _ option: String) throws(LoadError) -> String {
        guard schemes.contains(where: { url.hasPrefix($0) && url.count > $0.count }) else {
            throw LoadError(.settings, "--\(option) needs a URL such as \(standardURL), not \(url).")
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}

extension LoadError {
    fileprivate static func unsaid(_ option: String) -> LoadError {
        LoadError(.settings, "\(option) is needed: no wharf-dev up of this folder, \(StateFolder.name)/, has it for that URL.")
    }
}
