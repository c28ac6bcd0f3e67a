import Messaging

/// The part of the nginx configuration in `gateway/` that is derived from the document: the operation of each request, and its proxying.
///
/// Operations that are proxied alike share a route, such as `read-12`, which is named for its kind and the seconds after which the gateway gives up. An ingress answers
/// sooner, because it takes at most the deadlines of the session and the operation.
public struct GatewayRoutes {
    /// Seconds for the network between gateway and ingress, and for the ingress's own work.
    static let margin: Duration = .seconds(2)
    /// The longest silence in a stream of events, in seconds: several of the ingress's heartbeats.
    static let longestSilence = 60
    /// The route of requests without an operation: pages of the reference, and rejections.
    private static let other = Route(kind: .other, seconds: seconds(EndpointReader.defaultDeadline))

    /// The way in which a group of operations is proxied.
    enum Kind: String, CaseIterable {
        case other
        /// A read, which may be sent again to another process.
        case read
        /// A read that the gateway may cache.
        case cached
        /// A request that goes to another process only if none was reached.
        case write
        /// A PUT or DELETE. It never goes to another process, because nginx might then send it twice.
        case change
        /// A request signed by its sender, which is not limited by address.
        case signed
        /// A request with a body up to the size in the document.
        case upload
        /// An answer in parts.
        case pages
        /// Server-Sent Events.
        case stream
    }

    struct Route: Hashable, Comparable {
        let kind: Kind
        let seconds: Int

        var name: String { "\(kind)-\(seconds)" }

        static func < (left: Route, right: Route) -> Bool { (left.kind.rawValue, left.seconds) < (right.kind.rawValue, right.seconds) }
    }

    private let endpoints: [Endpoint]

    public init(_ document: OpenAPIDocument) {
        endpoints = document.endpoints
    }

    /// The files of `gateway/` that are generated.
    public var files: [(name: String, text: String)] { [("operations.conf", operations), ("timeouts.conf", timeouts)] }

    private static let head = "# Generated from topology/openapi.yaml by `wharf topology generate`.\n"

    /// The maps `$wharf_operation` and `$wharf_route`.
    private var operations: String {
        // nginx compares literal strings first, then uses the first regular expression that matches. The more specific of two templates has fewer parameters.
        let byParameters = endpoints.enumerated().sorted { left, right in
            let counts = (PathTemplate.names(in: left.element.path).count, PathTemplate.names(in: right.element.path).count)
            return counts.0 == counts.1 ? left.offset < right.offset : counts.0 < counts.1
        }
        let operations = byParameters.map { "    \(Self.pattern($0.element)) \($0.element.operationID);" }
        let routes = endpoints.map { "    \($0.operationID) \(Self.route(of: $0).name);" }
        return Self.head + "map_hash_bucket_size 128;\n"
            + Self.map("$wharf_method $wharf_path", "$wharf_operation", ["    default none;"] + operations)
            + Self.map("$wharf_operation", "$wharf_route", ["    default \(Self.other.name);"] + routes)
    }

    /// One location for each route.
    private var timeouts: String {
        let bodies = endpoints.reduce(into: [Route: Int]()) { bodies, endpoint in
            let route = Self.route(of: endpoint)
            if route.kind == .upload { bodies[route] = max(bodies[route] ?? 0, endpoint.maximumBody ?? 0) }
        }
        let routes = Set(endpoints.map(Self.route)).union([Self.other]).sorted()
        return Self.head + routes.map { Self.location($0, maximumBody: bodies[$0]) }.joined()
    }

    static func route(of endpoint: Endpoint) -> Route {
        let kind: Kind =
            if endpoint.signature != nil {
                .signed
            } else if endpoint.streamOperation != nil {
                .stream
            } else if endpoint.isPaged {
                .pages
            } else if endpoint.maximumBody != nil {
                .upload
            } else if endpoint.isCacheable {
                .cached
            } else {
                switch endpoint.method {
                case "GET": .read
                case "PUT", "DELETE": .change
                default: .write
                }
            }
        let wait = endpoint.waitOperation == nil ? Duration.zero : .seconds(WaitPreference.maximumSeconds)
        return Route(kind: kind, seconds: kind == .stream ? longestSilence : seconds(endpoint.deadline + wait))
    }

    private static func seconds(_ deadline: Duration) -> Int {
        Int((SessionResolver.deadline + deadline + margin).components.seconds)
    }

    private static func map(_ source: String, _ variable: String, _ lines: [String]) -> String {
        "map \(source.contains(" ") ? "\"\(source)\"" : source) \(variable) {\n\(lines.joined(separator: "\n"))\n}\n"
    }

    private static func pattern(_ endpoint: Endpoint) -> String {
        guard !PathTemplate.names(in: endpoint.path).isEmpty else { return "\"\(endpoint.method) \(endpoint.path)\"" }
        let segments = endpoint.path.split(separator: "/").map { $0.hasPrefix("{") ? "[^/]+" : $0.replacing(".", with: "\\.") }
        return "\"~^\(endpoint.method) /\(segments.joined(separator: "/"))$\""
    }

    private static func location(_ route: Route, maximumBody: Int?) -> String {
        let lines =
            ["internal;", "client_max_body_size \(maximumBody.map(String.init) ?? "1m");", "proxy_read_timeout \(route.seconds)s;"] + directives(of: route.kind)
            + ["proxy_pass http://\(keepsConnections(route.kind) ? "ingress" : "ingress-once")$request_uri;"]
        return "location = /@\(route.name) {\n\(lines.map { "    \($0)\n" }.joined())}\n"
    }

    /// A read whose connection is lost goes to another process; a slow one does not.
    private static let repeatedReads = ["proxy_next_upstream error timeout invalid_header;", "proxy_next_upstream_tries 3;", "proxy_next_upstream_timeout 4s;"]

    private static func directives(of kind: Kind) -> [String] {
        switch kind {
        case .read: repeatedReads
        case .cached:
            repeatedReads + [
                "proxy_cache catalog;", "proxy_cache_bypass $http_authorization $http_cookie $wharf_fresh;", "proxy_no_cache $http_authorization $http_cookie;",
                // A cached answer would carry the ids of the request for which it was fetched.
                "proxy_hide_header Traceparent;", "proxy_hide_header X-Request-Id;",
            ]
        // For methods that are not idempotent, nginx tries another process only if it has sent nothing.
        case .write, .signed, .upload: ["proxy_next_upstream error timeout;", "proxy_next_upstream_tries 3;", "proxy_next_upstream_timeout 4s;"]
        case .change, .other: ["proxy_next_upstream off;"]
        case .pages, .stream: repeatedReads + ["proxy_buffering off;"]
        }
    }

    private static func keepsConnections(_ kind: Kind) -> Bool { kind == .read || kind == .cached }
}
