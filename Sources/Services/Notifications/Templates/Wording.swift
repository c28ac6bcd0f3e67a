/// The texts of a notification, without its form. Names in braces, as in `{number}`, stand for values of the news.
struct Wording: Sendable, Codable, Equatable {
    var subject: String
    var heading: String
    var opening: String
    /// Empty for none.
    var closing: String
    /// The whole of a text message; nil for news that is not sent by text message.
    var text: String?

    init(_ subject: String, _ heading: String, _ opening: String, _ closing: String = "", text: String? = nil) {
        self.subject = subject
        self.heading = heading
        self.opening = opening
        self.closing = closing
        self.text = text
    }

    /// With values in the place of their names.
    func filled(_ values: [String: String]) -> Wording {
        Wording(
            Self.fill(subject, values), Self.fill(heading, values), Self.fill(opening, values), Self.fill(closing, values), text: text.map { Self.fill($0, values) })
    }

    /// In one pass: braces in a value are not a template. A name without a value is left out.
    static func fill(_ template: String, _ values: [String: String]) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            text += rest[..<open]
            rest = rest[open...].dropFirst()
            guard let close = rest.firstIndex(of: "}") else { return text + "{" + rest }
            text += values[String(rest[..<close])] ?? ""
            rest = rest[close...].dropFirst()
        }
        return (text + rest).split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
}
