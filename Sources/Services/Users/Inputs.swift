import Contracts
import FoundationEssentials
import Input
import Messaging
import Secrets

struct NewAccount: Sendable {
    static let passwordLength = 10...256
    static let nameLength = 1...200

    let email: EmailAddress
    let password: String
    let name: String

    static func read(_ request: Request) throws -> NewAccount {
        try Fields.read(request) { fields in
            let address = EmailAddress(fields.emailAddress("email"))
            let password = fields.secret("password", passwordLength)
            let name = fields.text("name", nameLength)
            if name.unicodeScalars.contains(where: \.isControl) {
                fields.note("name", "must not hold control characters")
            }
            guard let address else { throw Problem.invalidInput(fields.errors) }
            return NewAccount(email: address, password: password, name: name)
        }
    }
}

/// The credentials of a sign-in. Any text is accepted as an address: an implausible one is an account that does not exist.
struct Credentials: Sendable {
    let emailKey: String
    let password: String

    static func read(_ request: Request) throws -> Credentials {
        try Fields.read(request) { fields in
            Credentials(
                emailKey: EmailAddress.key(of: fields.text("email", 1...EmailAddress.maximumLength)),
                password: fields.secret("password", 1...NewAccount.passwordLength.upperBound))
        }
    }
}

/// Input that consists only of the caller.
struct Own: Sendable {
    let userID: UUID

    static func read(_ request: Request) throws -> Own {
        try Fields.read(request) { _ in Own(userID: try callerID(of: request)) }
    }
}

/// The session of the request itself, by the hash of its token.
struct CurrentSession: Sendable {
    let userID: UUID
    let tokenHash: [UInt8]

    static func read(_ request: Request) throws -> CurrentSession {
        try Fields.read(request) { fields in
            let userID = try callerID(of: request)
            guard let hash = TokenHash.decode(fields.parameter("session")) else { throw Problem.unauthenticated }
            return CurrentSession(userID: userID, tokenHash: hash)
        }
    }
}

/// One of the caller's own sessions, by its id.
struct OwnSession: Sendable {
    let userID: UUID
    let id: UUID

    static func read(_ request: Request) throws -> OwnSession {
        try Fields.read(request) { fields in
            OwnSession(userID: try callerID(of: request), id: try fields.uuidParameter("id", of: "session"))
        }
    }
}

struct ListSessions: Sendable {
    let userID: UUID
    /// Marks the session of the request itself.
    let current: [UInt8]?
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListSessions {
        try Fields.read(request) { fields in
            let userID = try callerID(of: request)
            let current = fields.optionalParameter("session").flatMap(TokenHash.decode)
            let page = fields.page()
            return ListSessions(userID: userID, current: current, page: page, after: fields.position(page))
        }
    }
}

/// SHA-256 of a session token; only the hash is stored.
enum TokenHash {
    static func decode(_ hex: String) -> [UInt8]? {
        guard let bytes = Hex.decode(hex), bytes.count == SHA256.digestBytes else { return nil }
        return bytes
    }
}

func callerID(of request: Request) throws(Problem) -> UUID {
    guard let caller = request.caller else { throw Problem.unauthenticated }
    return caller.id
}

extension Fields {
    /// The text of an e-mail address that could exist; notes an error if it could not.
    mutating func emailAddress(_ field: String) -> String {
        let text = text(field, 3...EmailAddress.maximumLength)
        if !text.isEmpty, EmailAddress(text) == nil { note(field, EmailAddress.expectation) }
        return text
    }
}

extension Problem {
    static let unauthenticated = Problem(
        "unauthenticated", title: "Not signed in", status: 401, detail: "This needs a valid session.")
}
