/// Identifiers in Stripe's style: a prefix that names the kind, then 20 random letters and digits (119 bits).
enum Identifier {
    static let randomCharacters = 20

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func make(_ prefix: String) -> String {
        var bytes = Array(prefix.utf8)
        bytes.reserveCapacity(bytes.count + randomCharacters)
        var random = UInt128.random(in: .min ... .max)
        for _ in 0..<randomCharacters {
            bytes.append(alphabet[Int(random % UInt128(alphabet.count))])
            random /= UInt128(alphabet.count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
