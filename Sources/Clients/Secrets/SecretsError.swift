/// What can go wrong in this module. A retry does not help with any of these.
public struct SecretsError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: Sendable, Equatable {
        /// The operating system gave no random bytes.
        case noRandomness
        /// The password is longer than ``PasswordHash/maximumPasswordBytes``.
        case passwordTooLong
        /// OpenSSL refused to derive a key, most likely for lack of memory.
        case derivationFailed
        /// OpenSSL refused to encrypt, most likely for lack of memory.
        case sealingFailed
        /// OpenSSL did not make a key, a certificate or a signature, most likely for lack of memory.
        case keyNotMade
    }

    public let code: Code
    public let message: String

    public var description: String { message }
}
