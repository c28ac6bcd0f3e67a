import Messaging

/// Reads one operation of the document.
struct EndpointReader {
    static let defaultQueryDeadline: Duration = .seconds(5)
    static let defaultDeadline: Duration = .seconds(10)
    static let deadlineSeconds = 1.0...60.0
    static let maximumBodyBytes = 1.0...67_108_864.0
    /// Longer ids are not routing keys.
    static let maximumOperationID = 200

    static let methods = ["get", "put", "post", "delete", "patch"]
    /// The headers that become part of the message.
    static let travellingHeaders: Set<String> = ["if-match", "idempotency-key", "last-event-id"]
    /// The headers that the ingress itself acts on.
    static let ownHeaders = Set(["if-none-match", "prefer"] + WebhookSchemes.all.flatMap { $0.headers })
    static let extensionKeys: Set<String> = [
        "kind", "role", "deadline", "idempotencyKey", "sensitive", "session", "clientAddress", "maximumBody", "wait", "signature", "answer",
        "guestKey", "cacheable", "hashed", "events", "upload", "paged", "stream",
    ]

    let method: String
    let path: String
    let operation: DocumentNode
    /// Those of the path item.
    let sharedParameters: [DocumentNode]

    func read() throws(OpenAPIError) -> Endpoint {
        let id = try operation.required("operationId")
        let operationID = try Self.operationID(id)
        let wharf = try operation.required("x-wharf")
        for (key, value) in try wharf.entries() where !Self.extensionKeys.contains(key) {
            throw value.error("'x-wharf' has no '\(key)'; it has \(Self.extensionKeys.sorted().joined(separator: ", "))")
        }
        guard let kind = try wharf.choice("kind", of: [Durability.query, .command, .durable]) else { throw wharf.error("'x-wharf' lacks 'kind'") }
        guard let role = try wharf.choice("role", of: Endpoint.Role.allCases) else { throw wharf.error("'x-wharf' lacks 'role'") }
        let deadline = try wharf.number("deadline", in: Self.deadlineSeconds).map { Duration.seconds($0) }
        let waitOperation = try wharf.value("wait")
        let parameters = try readParameters()
        let endpoint = Endpoint(
            method: method.uppercased(), path: path, operationID: operationID, kind: kind, role: role,
            deadline: deadline ?? (kind == .query ? Self.defaultQueryDeadline : Self.defaultDeadline),
            requiresIdempotencyKey: try wharf.flag("idempotencyKey", only: "required"),
            guestKey: try wharf.value("guestKey").map(Self.guestKey),
            isCacheable: try wharf.flag("cacheable", only: "true"),
            isSensitive: try wharf.flag("sensitive", only: "true"),
            sendsSession: try wharf.flag("session", only: "true"),
            sendsClientAddress: try wharf.flag("clientAddress", only: "true"),
            hashedParameter: try wharf.value("hashed")?.text(),
            maximumBody: try wharf.number("maximumBody", in: Self.maximumBodyBytes).map { Int($0) },
            waitOperation: try waitOperation.map { node throws(OpenAPIError) in try Self.operationID(node) },
            signature: try wharf.value("signature").map(Self.signature),
            uploadOperation: try wharf.value("upload").map { node throws(OpenAPIError) in try Self.operationID(node) },
            isPaged: try wharf.flag("paged", only: "true"),
            streamOperation: try wharf.value("stream").map { node throws(OpenAPIError) in try Self.operationID(node) },
            eventTypes: try wharf.value("events").map(Self.eventTypes),
            isAnsweredWhenAccepted: try wharf.flag("answer", only: "accepted"),
            queryParameters: parameters.query, queryPrefixes: parameters.prefixes, headerParameters: parameters.header.intersection(Self.travellingHeaders),
            mediaTypes: try readMediaTypes())
        try check(endpoint, headers: parameters.header, wharf)
        return endpoint
    }

    private func check(_ endpoint: Endpoint, headers: Set<String>, _ wharf: DocumentNode) throws(OpenAPIError) {
        if endpoint.requiresIdempotencyKey, !headers.contains(Messaging.Request.idempotencyKey) {
            throw wharf.error("'idempotencyKey: required' needs the header parameter 'Idempotency-Key'")
        }
        if endpoint.requiresIdempotencyKey, endpoint.role == .public, endpoint.guestKey == nil {
            throw wharf.error("'idempotencyKey: required' for everybody needs 'guestKey', or a guest's key would count for nothing")
        }
        if case .path(let name)? = endpoint.guestKey, !PathTemplate.names(in: path).contains(name) {
            throw wharf.error("'guestKey' is 'path.\(name)', and the path has no such template")
        }
        if case .query(let name)? = endpoint.guestKey, !endpoint.queryParameters.contains(name) {
            throw wharf.error("'guestKey' is 'query.\(name)', and the operation has no such parameter")
        }
        if let name = endpoint.hashedParameter, !PathTemplate.names(in: path).contains(name) {
            throw wharf.error("'hashed' is '\(name)', and the path has no such template")
        }
        if endpoint.isCacheable, endpoint.kind != .query || endpoint.role != .public {
            throw wharf.error("'cacheable' needs 'kind: query' and 'role: public'")
        }
        if endpoint.isSensitive, endpoint.kind == .durable {
            throw wharf.error("'sensitive' messages are transient, so the kind cannot be 'durable'")
        }
        if endpoint.isAnsweredWhenAccepted, endpoint.kind != .durable {
            throw wharf.error("'answer: accepted' needs 'kind: durable'")
        }
        if endpoint.isPaged, endpoint.kind != .query { throw wharf.error("'paged' needs 'kind: query'") }
        if endpoint.streamOperation != nil, endpoint.kind != .query || endpoint.isPaged || !PathTemplate.names(in: path).contains("id") {
            throw wharf.error("'stream' needs 'kind: query' and a path with '{id}', and excludes 'paged'")
        }
        if endpoint.uploadOperation != nil, endpoint.kind != .durable || endpoint.role == .public || endpoint.isSensitive {
            throw wharf.error("'upload' needs 'kind: durable' and a caller, and no credentials")
        }
        if let scheme = endpoint.signature.flatMap(WebhookSchemes.named), let missing = scheme.headers.first(where: { !headers.contains($0) }) {
            throw wharf.error("'signature: \(scheme.name)' needs the header parameter '\(missing)'")
        }
        if endpoint.eventTypes != nil, endpoint.signature == nil || !endpoint.isAnsweredWhenAccepted {
            throw wharf.error("'events' needs 'signature' and 'answer: accepted'")
        }
        if endpoint.waitOperation != nil, !headers.contains("prefer") {
            throw wharf.error("'wait' needs the header parameter 'Prefer'")
        }
    }

    private static func signature(_ node: DocumentNode) throws(OpenAPIError) -> String {
        let name = try node.text()
        guard WebhookSchemes.named(name) != nil else {
            throw node.error("'\(name)' is not a signature scheme; accepted: \(WebhookSchemes.all.map { $0.name }.joined(separator: ", "))")
        }
        return name
    }

    private static func eventTypes(_ node: DocumentNode) throws(OpenAPIError) -> Set<String> {
        var types: Set<String> = []
        for element in try node.elements() { types.insert(try element.text()) }
        return types
    }

    private static func guestKey(_ node: DocumentNode) throws(OpenAPIError) -> GuestKey {
        let text = try node.text()
        guard let key = GuestKey(text) else {
            throw node.error("'\(text)' is not a scope of a guest's key; accepted: path.<template>, query.<parameter>, body.<field>")
        }
        return key
    }

    private func readParameters() throws(OpenAPIError) -> (query: Set<String>, prefixes: Set<String>, header: Set<String>) {
        var query: Set<String> = []
        var prefixes: Set<String> = []
        var header: Set<String> = []
        var inPath: Set<String> = []
        let own = try operation.value("parameters")?.elements() ?? []
        for parameter in sharedParameters + own {
            let name = try parameter.required("name").text()
            let place = try parameter.required("in").text()
            switch place {
            case "path": inPath.insert(name)
            case "query":
                // An object whose members are parameters each, as `style: form` writes it.
                if let prefix = try parameter.value("x-wharf-prefix")?.text() { prefixes.insert(prefix) } else { query.insert(name) }
            case "header":
                let lowercased = name.lowercased()
                guard Self.travellingHeaders.union(Self.ownHeaders).contains(lowercased) else {
                    throw parameter.at(operation.place).error("the header parameter '\(name)' is none that the ingress knows")
                }
                header.insert(lowercased)
            default: throw parameter.at(operation.place).error("the parameter '\(name)' is in '\(place)'; accepted: path, query, header")
            }
        }
        let templates = Set(PathTemplate.names(in: path))
        guard inPath == templates else {
            let given = inPath.sorted().joined(separator: ", ")
            throw operation.error("the path's templates are not its path parameters, which are '\(given)'")
        }
        return (query, prefixes, header)
    }

    private func readMediaTypes() throws(OpenAPIError) -> [String] {
        guard let body = try operation.value("requestBody") else { return [] }
        let types = try body.required("content").entries().map { $0.key.lowercased() }
        guard !types.isEmpty else { throw body.error("'content' names no media type") }
        // Every PATCH is a merge patch (RFC 7396), and may say so.
        return method == "patch" && types == [MediaType.json] ? types + [MediaType.mergePatch] : types
    }

    private static func operationID(_ node: DocumentNode) throws(OpenAPIError) -> String {
        let text = try node.text()
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isRoutingKey = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) }
        }
        guard parts.count >= 2, isRoutingKey, text.utf8.count <= maximumOperationID else {
            throw node.error("'\(text)' is no operation id; words of letters with dots between them are expected")
        }
        return text
    }
}
