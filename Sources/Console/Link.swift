import WebClient

/// The paths of the console's pages.
enum Link {
    static let root = "/console"
    static let style = "\(root)/console.css"
    static let script = "\(root)/console.js"
    static let signIn = "\(root)/sign-in"
    static let signOut = "\(root)/sign-out"

    static func to(_ path: String..., query: [String: String?] = [:]) -> String { to(path, query: query) }

    /// - Parameter path: The segments below the root; each is percent-encoded.
    static func to(_ path: [String], query: [String: String?] = [:]) -> String {
        let base = ([root] + path.map(PercentEncoding.encode)).joined(separator: "/")
        let fields = query.sorted { $0.key < $1.key }.compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }
        return fields.isEmpty ? base : "\(base)?\(fields.joined(separator: "&"))"
    }

    /// A path to which the sign-in may return; nil for anything else, such as another host.
    static func returning(_ path: String?) -> String? {
        guard let path, path == root || path.hasPrefix("\(root)/") || path.hasPrefix("\(root)?"), path.utf8.count <= 2_048,
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x5C })
        else { return nil }
        return path
    }
}
