/// What a refused greeting means.
enum Greeting {
    private static let refusesUser: Set<Substring> = ["NOAUTH", "WRONGPASS", "NOPERM"]

    static func error(_ text: String, to command: [String], at name: String) -> RedisError {
        // Older servers refuse a password with a plain ERR.
        if refusesUser.contains(text.prefix { $0 != " " }) || command.first == "AUTH" && text.hasPrefix("ERR") {
            return RedisError(
                code: .authenticationFailed,
                message: "Redis at \(name) refuses the user or password of its URL: \(text)")
        }
        return RedisError(code: .unavailable, message: text)
    }
}
