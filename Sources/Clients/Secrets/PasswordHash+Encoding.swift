import COpenSSL

extension PasswordHash {
    /// How much work a hash costs. Raising it leaves older hashes valid, because each hash carries its own.
    public struct Parameters: Equatable, Sendable {
        /// N = 2^17, r = 8, p = 1: the first choice of OWASP's Password Storage Cheat Sheet for scrypt.
        public static let standard = Parameters(logarithm: 17, blockSize: 8, parallelism: 1)

        /// The binary logarithm of scrypt's N.
        var logarithm: UInt64
        /// Scrypt's r.
        var blockSize: UInt64
        /// Scrypt's p.
        var parallelism: UInt64

        /// Nil for factors that are malformed or beyond the bounds: a stored hash must not decide how much memory is taken.
        init?(_ text: Substring) {
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            guard
                parts.count == 3,
                let logarithm = Self.number(parts[0], after: "ln="), (1...20).contains(logarithm),
                let blockSize = Self.number(parts[1], after: "r="), (1...32).contains(blockSize),
                let parallelism = Self.number(parts[2], after: "p="), (1...maximumParallelism).contains(parallelism)
            else { return nil }
            self.init(logarithm: logarithm, blockSize: blockSize, parallelism: parallelism)
            guard memoryBytes <= maximumMemoryBytes else { return nil }
        }

        /// For constants: bounds are checked where a stored hash is read.
        public init(logarithm: UInt64, blockSize: UInt64, parallelism: UInt64) {
            self.logarithm = logarithm
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        var text: String { "ln=\(logarithm),r=\(blockSize),p=\(parallelism)" }

        /// Evaluations of the block mix, up to a constant.
        var work: UInt64 { (1 << logarithm) * blockSize * parallelism }

        private var memoryBytes: UInt64 { 128 * blockSize * ((1 << logarithm) + parallelism) }

        /// Nil when OpenSSL refuses, most likely for lack of memory.
        func derive(_ password: [UInt8], salt: [UInt8], count: Int) -> [UInt8]? {
            // OpenSSL counts a little more than the formula does; the bound proper was checked when this was made.
            let allowance = memoryBytes + (1 << 20)
            var key = [UInt8](repeating: 0, count: count)
            let status = password.withUnsafeBytes { password in
                EVP_PBE_scrypt(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count, salt, salt.count,
                    1 << logarithm, blockSize, parallelism, allowance, &key, count)
            }
            return status == 1 ? key : nil
        }

        private static func number(_ text: Substring, after prefix: String) -> UInt64? {
            guard text.hasPrefix(prefix) else { return nil }
            let digits = text.dropFirst(prefix.count)
            return digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt64(digits) : nil
        }
    }

    /// A stored hash: the PHC string format, whose base64 is standard and unpadded.
    struct Encoded: Equatable, Sendable {
        var parameters: Parameters
        var salt: [UInt8]
        var hash: [UInt8]

        init(parameters: Parameters, salt: [UInt8], hash: [UInt8]) {
            self.parameters = parameters
            self.salt = salt
            self.hash = hash
        }

        init?(_ text: String) {
            let parts = text.split(separator: "$", omittingEmptySubsequences: false)
            guard
                parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
                let parameters = Parameters(parts[2]),
                let salt = Base64.decode(String(parts[3])), (8...64).contains(salt.count),
                let hash = Base64.decode(String(parts[4])), (16...64).contains(hash.count)
            else { return nil }
            self.init(parameters: parameters, salt: salt, hash: hash)
        }

        var text: String {
            "$scrypt$\(parameters.text)$\(Base64.encode(salt, padded: false))$\(Base64.encode(hash, padded: false))"
        }
    }
}
