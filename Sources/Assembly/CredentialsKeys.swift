import Secrets
import Synchronization

/// The keys for messages with credentials, which the ingress requests from users. All processes of users have them, because they log in to the broker with one
/// password, of which the broker keeps only a salted hash.
///
/// When the password changes, so does the key. Senders may use the previous one for up to `SealingKeyService.refreshInterval`, so the two before are kept: a password may also be
/// corrected at once.
final class CredentialsKeys: Sendable {
    private struct Derived {
        let password: String
        let key: SealingKey
    }

    /// The newest first.
    private let derived = Mutex<[Derived]>([])
    private let password: @Sendable () -> String?

    /// - Parameter password: returns the current password, or nil when it is unknown; the keys then stay as they are.
    init(password: @escaping @Sendable () -> String?) {
        self.password = password
    }

    /// The current key, and up to two before it.
    @Sendable func all() -> [SealingKey] {
        let password = password()
        return derived.withLock { derived in
            if let password, password != derived.first?.password {
                let key = SealingKey(derivedFrom: password, for: "wharf: credentials on their way to users")
                derived = [Derived(password: password, key: key)] + derived.prefix(2)
            }
            return derived.map(\.key)
        }
    }
}
