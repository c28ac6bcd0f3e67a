import Messaging
import Secrets

/// One sign-in attempt, and the keys by which it is counted.
struct SignInAttempt: Sendable, Equatable {
    /// The same when the message is redelivered. Not the message's id, which the client chooses by its idempotency key.
    let id: String
    /// The hash of the e-mail address. Addresses without an account are counted like others, so that the limit does not reveal which have one.
    let account: String
    /// The client's network; nil when the ingress did not send it.
    let network: String?

    init(_ request: Request, emailKey: String) {
        id = request.requester?.correlationID ?? request.id.upperCaseText
        account = SHA256.hex(emailKey)
        network = request.parameters[Request.clientAddress].map(ClientNetwork.name)
    }

    /// For a password reset: counted like sign-in attempts, but separately, so that neither uses up the other's places.
    init(resetting emailKey: String, _ request: Request) {
        id = request.requester?.correlationID ?? request.id.upperCaseText
        account = SHA256.hex("password-reset \(emailKey)")
        network = request.parameters[Request.clientAddress].map { "password-reset \(ClientNetwork.name(of: $0))" }
    }

    /// The account from that network.
    var pair: String { SHA256.hex("\(account) \(network ?? "")") }
}

/// The decision on an attempt before its password is verified.
enum SignInAdmission: Sendable, Equatable {
    /// It holds a place until it is settled.
    case admitted
    /// All remaining places are held by attempts in progress: it may be admitted once those are settled.
    case busy
    case refused(retryAfter: Int)
}

/// How many failures there may be within ``windowSeconds``. Only wrong passwords are failures; while one is being verified it holds the place that it
/// would need, so that concurrent guesses do not exceed the limit.
enum SignInLimits {
    static let windowSeconds = 15 * 60
    /// A place is released after this when the worker that held it has died: longer than any request waits.
    static let holdSeconds = 30

    /// Of one account from one network: its owner's typing errors, and those of people who share the owner's address.
    static let pair = 10
    /// Of one account from all networks from which it has not been signed in to: some 2,000 guesses a day, even with a thousand addresses.
    static let account = 20
    /// From one network, for all accounts that have not been signed in to from there: an office behind one address may err this often; a sweep over
    /// accounts ends here, and so does the hashing that it costs.
    static let network = 100

    /// How long the networks from which an account was signed in to are remembered: a season.
    static let knownSeconds = 90 * 86_400
    /// Networks of one account; a further one evicts the oldest.
    static let known = 20
}

/// The holder of one IPv6 address has at least the 2^64 of its network, so all of them count as one.
enum ClientNetwork {
    /// `address` as the system prints it.
    static func name(of address: String) -> String {
        guard address.contains(":") else { return address }
        // An IPv4 address on an IPv6 socket.
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
