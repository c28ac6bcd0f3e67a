import Messaging
import Secrets

/// One attempt to sign in, and by what it is counted.
struct SignInAttempt: Sendable, Equatable {
    /// The same when the message comes again. Not the message's id, which the client chooses by its idempotency key.
    let id: String
    /// The hash of the e-mail address. Addresses without an account are counted like others, so that the limit does not tell which have one.
    let account: String
    /// Where the client is; nil when the ingress did not say.
    let network: String?

    init(_ request: Request, emailKey: String) {
        id = request.requester?.correlationID ?? request.id.upperCaseText
        account = SHA256.hex(emailKey)
        network = request.parameters[Request.clientAddress].map(ClientNetwork.name)
    }

    /// Of a password reset: counted as attempts to sign in are, and apart from them, so that neither uses up the other's places.
    init(resetting emailKey: String, _ request: Request) {
        id = request.requester?.correlationID ?? request.id.upperCaseText
        account = SHA256.hex("password-reset \(emailKey)")
        network = request.parameters[Request.clientAddress].map { "password-reset \(ClientNetwork.name(of: $0))" }
    }

    /// The account from there.
    var pair: String { SHA256.hex("\(account) \(network ?? "")") }
}

/// What becomes of an attempt before its password is looked at.
enum SignInAdmission: Sendable, Equatable {
    /// It holds a place until it is settled.
    case admitted
    /// All places that are left are held by attempts under way: it may be admitted once those are settled.
    case busy
    case refused(retryAfter: Int)
}

/// How many failures there may be within ``windowSeconds``. Only wrong passwords are failures; while one is being verified it holds the place that it
/// would need, so that guesses made at the same time are not more than the limit.
enum SignInLimits {
    static let windowSeconds = 15 * 60
    /// A place is given back after this when the worker that held it has died: longer than any request waits.
    static let holdSeconds = 30

    /// Of one account from one network: the typing errors of its owner, and those of whoever shares an address with him.
    static let pair = 10
    /// Of one account from all networks from which nobody has signed in to it: some 2,000 guesses a day, whoever has a thousand addresses.
    static let account = 20
    /// From one network, for all accounts that have not been signed in to from there: an office behind one address may err so often, a sweep over
    /// accounts ends here, and so does the hashing that it costs.
    static let network = 100

    /// How long the networks are remembered from which somebody has signed in to an account: a season.
    static let knownSeconds = 90 * 86_400
    /// Networks of one account; a further one pushes out the oldest.
    static let known = 20
}

/// Whoever has one IPv6 address has at least the 2^64 of its network, so all of them count as one.
enum ClientNetwork {
    /// `address` as the system prints it.
    static func name(of address: String) -> String {
        guard address.contains(":") else { return address }
        // An IPv4 address that arrives at an IPv6 socket.
        if let last = address.split(separator: ":").last, last.contains(".") { return String(last) }
        let halves = address.prefix { $0 != "%" }.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        var groups = halves.first.map { $0.split(separator: ":") } ?? []
        if halves.count == 2 {
            let rest = halves.last.map { $0.split(separator: ":") } ?? []
            groups += Array(repeating: "0", count: max(0, 8 - groups.count - rest.count)) + rest
        }
        return groups.prefix(4).joined(separator: ":") + "::/64"
    }
}
