import Secrets

/// An `Idempotency-Key` with what it was first used for.
struct IdempotencyKey: Sendable, Equatable, Decodable {
    /// Stripe's own limit.
    static let maximumCharacters = 255

    let name: String
    /// Method and path.
    let endpoint: String
    /// SHA-256 of the parameters, in hexadecimal.
    let fingerprint: String
}

extension IdempotencyKey {
    init(name: String, endpoint: String, parameters: FormParameters) {
        self.init(name: name, endpoint: endpoint, fingerprint: SHA256.hex(parameters.canonicalBytes))
    }
}
