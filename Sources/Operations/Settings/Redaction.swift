/// What may be shown of a value.
enum Redaction {
    static let hidden = "(hidden)"
    private static let mark = "***"

    /// The URL without its password: `amqp://catalog:***@rabbit/`. Also what is no URL loses whatever could be one.
    static func url(_ text: String) -> String {
        var shown = text
        // The last @: a password that was not percent-encoded may hold others.
        if let scheme = shown.firstRange(of: "://"), let at = shown[scheme.upperBound...].lastIndex(of: "@"),
            let colon = shown[scheme.upperBound..<at].firstIndex(of: ":")
        {
            shown.replaceSubrange(shown.index(after: colon)..<at, with: mark)
        }
        // libpq takes the password as a parameter too.
        for parameter in shown.ranges(of: "password=").reversed() {
            let end = shown[parameter.upperBound...].firstIndex(of: "&") ?? shown.endIndex
            shown.replaceSubrange(parameter.upperBound..<end, with: mark)
        }
        return shown
    }
}
