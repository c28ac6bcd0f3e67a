/// A URL of several servers that do the same, as settings have it: `scheme://user:password@a:1,b,c:3/path`.
public enum NodeURLs {
    /// As many as a cluster may have.
    public static let maximumNodes = 16

    /// One URL for each server, in their order; the URL itself where there is one. A server's port is its own.
    public static func split(_ url: String) -> [String] {
        guard let mark = url.firstRange(of: "://") else { return [url] }
        let rest = url[mark.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let hosts = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let (before, after) = (url[..<hosts.startIndex], url[hosts.endIndex...])
        return hosts.split(separator: ",", omittingEmptySubsequences: false).map { "\(before)\($0)\(after)" }
    }
}
