/// SHA-256 (FIPS 180-4): 32 bytes out for any number of bytes in.
///
/// For fingerprints and for secrets that are random already, such as session tokens; for passwords see ``PasswordHash``.
public enum SHA256 {
    /// The length of a digest in bytes.
    public static let digestBytes = 32

    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        DigestAlgorithm.sha256.hash(bytes)
    }

    /// Hashes the string's UTF-8.
    public static func hash(_ string: String) -> [UInt8] {
        hash(Array(string.utf8))
    }

    /// The digest as 64 lower-case hexadecimal digits.
    public static func hex(_ bytes: [UInt8]) -> String {
        Hex.encode(hash(bytes))
    }

    /// The digest of the string's UTF-8 as 64 lower-case hexadecimal digits.
    public static func hex(_ string: String) -> String {
        Hex.encode(hash(string))
    }
}
