/// How a command looks on the wire: an array of byte strings, each with its length.
enum RedisCommand {
    /// These would change the state of the shared connection, or block it.
    private static let unshareable: Set<String> = [
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "MULTI", "WATCH", "SELECT", "AUTH", "HELLO", "QUIT", "RESET",
        "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "SHUTDOWN",
    ]

    static func validate(_ arguments: [String]) throws(RedisError) {
        guard let name = arguments.first, !name.isEmpty else {
            throw RedisError(code: .unsupported, message: "A Redis command needs a name")
        }
        guard !unshareable.contains(name.uppercased()) else {
            throw RedisError(
                code: .unsupported, message: "\(name.uppercased()) cannot be used on a shared connection; use EVAL for what must be atomic")
        }
        guard arguments.reduce(0, { $0 + $1.utf8.count }) <= RedisClient.maximumCommandBytes else {
            throw RedisError(code: .tooLarge, message: "A Redis command may have at most \(RedisClient.maximumCommandBytes) bytes")
        }
    }

    static func encode(_ arguments: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(arguments.reduce(16) { $0 + $1.utf8.count + 16 })
        appendHeader("*", arguments.count, to: &bytes)
        for argument in arguments {
            appendHeader("$", argument.utf8.count, to: &bytes)
            bytes.append(contentsOf: argument.utf8)
            bytes.append(contentsOf: lineEnd)
        }
        return bytes
    }

    private static let lineEnd = Array("\r\n".utf8)

    private static func appendHeader(_ kind: Unicode.Scalar, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: kind))
        bytes.append(contentsOf: String(count).utf8)
        bytes.append(contentsOf: lineEnd)
    }
}
