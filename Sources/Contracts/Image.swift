/// A picture of a product.
public struct Image: Sendable, Hashable, Codable {
    public let url: String
    /// A description of what it shows, for people who cannot see it.
    public let alt: String?

    private enum CodingKeys: String, CodingKey {
        case url, alt
    }

    public init(url: String, alt: String? = nil) {
        self.url = url
        self.alt = alt
    }

    /// Also accepts a bare URL.
    public init(from decoder: any Decoder) throws {
        if let url = try? decoder.singleValueContainer().decode(String.self) {
            self.init(url: url)
        } else {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            self.init(url: try fields.decode(String.self, forKey: .url), alt: try fields.decodeIfPresent(String.self, forKey: .alt))
        }
    }

    /// The reason why it cannot be stored; nil when it can be.
    public var flaw: String? {
        if !["https://", "http://", "/"].contains(where: url.hasPrefix) || url.hasControls() || url.unicodeScalars.count > Self.maximumURL {
            return "must be URLs or absolute paths of at most \(Self.maximumURL) characters"
        }
        if let alt, alt.hasControls() || alt.unicodeScalars.count > Self.maximumAlt {
            return "must have texts of at most \(Self.maximumAlt) characters in 'alt', none of them a control character"
        }
        return nil
    }

    private static let maximumURL = 2_000
    private static let maximumAlt = 300
}
