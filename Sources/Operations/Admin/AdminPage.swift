/// A page for operators on the admin port, beside health and metrics.
public struct AdminPage: Sendable {
    /// Without a slash at its ends, as in `mails`.
    public let path: String
    /// The page for a request's query; nil for 404. It shows no secrets and no customers: the admin port has no authentication.
    let content: @Sendable ([String: String]) -> Content?

    public init(_ path: String, content: @escaping @Sendable ([String: String]) -> Content?) {
        self.path = path
        self.content = content
    }

    public enum Content: Sendable {
        case html(String)
        case text(String)

        var type: String {
            switch self {
            case .html: "text/html; charset=utf-8"
            case .text: "text/plain; charset=utf-8"
            }
        }

        var body: String {
            switch self {
            case .html(let body), .text(let body): body
            }
        }
    }
}
