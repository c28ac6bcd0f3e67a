import Contracts
import FoundationEssentials
import Gzip
import HTTPTypes
import Messaging
import Runtime
import Secrets
import Traces

/// Lets a request through to its operation, or rejects it with a reason. Cheap checks come first; the body is read last.
struct Gate: Sendable {
    let routes: RoutingTable
    let sessions: SessionResolver
    let maximumBodyBytes: Int
    /// By name.
    let webhooks: [String: any WebhookScheme]
    let clock: any WallClock

    struct Passage: Sendable {
        let endpoint: Endpoint
        let pathParameters: [String: String]
        let query: [String: String]
    }

    /// The operation for a method and a path.
    func route(method: String, path: String, query: String?) throws(Refusal) -> Passage {
        let target = try RequestTarget(path: path, query: query)
        switch routes.match(method: method, segments: target.segments) {
        case .endpoint(let endpoint, let parameters):
            return Passage(endpoint: endpoint, pathParameters: parameters, query: target.query)
        case .otherMethod(let allowed): throw .methodNotAllowed(method, allowed: allowed)
        case .unknown: throw .unknownPath
        }
    }

    /// Resolves the caller, as far as the operation requires one.
    func authenticate(
        _ passage: Passage, _ headers: HTTPFields, _ client: Client, _ trace: TraceContext
    ) async throws -> SessionResolver.Session? {
        let session: SessionResolver.Session?
        // A sender that signs its requests needs no session, and is not asked for one.
        if passage.endpoint.signature == nil, let token = try BearerToken.read(headers.values("authorization")) {
            session = try await sessions.session(token, of: client, trace: trace)
        } else {
            session = nil
        }
        switch (passage.endpoint.role, session?.caller.role) {
        case (.public, _), (.customer, .some), (.admin, .admin): return session
        case (.customer, nil), (.admin, nil): throw Refusal.unauthorized("This operation needs a session token.")
        case (.admin, .customer): throw Refusal.forbidden
        }
    }

    func call(
        _ passage: Passage, _ headers: HTTPFields, session: SessionResolver.Session?, body: RequestBodyReader, client: Client,
        received: Date, trace: TraceContext, requestID: String
    ) async throws -> Call {
        let endpoint = passage.endpoint
        let key = try IdempotencyKey.read(
            headers.values(Request.idempotencyKey), isRequired: endpoint.requiresIdempotencyKey)
        let parameters = try parameters(passage, headers, session, client)
        // An empty body needs no content type.
        if body.isCertain { try checkForm(endpoint, headers) }
        if endpoint.uploadOperation != nil {
            return Call(
                endpoint: endpoint, parameters: parameters.merging(["content-type": headers.values("content-type").first ?? ""]) { own, _ in own },
                session: session, body: [], idempotencyKey: key, wait: nil, received: received, trace: trace, requestID: requestID)
        }
        var bytes = try await body.read(limit: bodyLimit(of: endpoint))
        if !body.isCertain, !bytes.isEmpty { try checkForm(endpoint, headers) }
        if !bytes.isEmpty, try ContentCoding.read(headers.values("content-encoding")) == .gzip { bytes = try unpacked(bytes, endpoint, body.share) }
        if let scheme = endpoint.signature { try await verify(headers, bytes, passage.query, by: scheme) }
        return Call(
            endpoint: endpoint, parameters: parameters, session: session, body: bytes, idempotencyKey: key,
            wait: endpoint.waitOperation == nil ? nil : WaitPreference.read(headers.values("prefer")), received: received,
            trace: trace, requestID: requestID)
    }

    private func checkForm(_ endpoint: Endpoint, _ headers: HTTPFields) throws(Refusal) {
        // Many clients send an empty JSON object where there is no body.
        try MediaType.check(headers.values("content-type").first, isOneOf: endpoint.mediaTypes.isEmpty ? [MediaType.json] : endpoint.mediaTypes)
        _ = try ContentCoding.read(headers.values("content-encoding"))
    }

    /// The bound on bodies applies to unpacked bodies, too.
    private func unpacked(_ bytes: [UInt8], _ endpoint: Endpoint, _ share: BodyBudget.Share) throws(Refusal) -> [UInt8] {
        let limit = bodyLimit(of: endpoint)
        let unpacked: [UInt8]
        do throws(Gzip.Failure) {
            unpacked = try Gzip.unpack(bytes, limit: limit)
        } catch {
            switch error {
            case .malformed: throw .malformedGzip
            case .tooLarge: throw .bodyTooLarge(limit: limit)
            }
        }
        guard share.grow(to: bytes.count + unpacked.count) else { throw .tooManyBodies }
        return unpacked
    }

    func bodyLimit(of endpoint: Endpoint?) -> Int { endpoint?.maximumBody ?? maximumBodyBytes }

    private func parameters(
        _ passage: Passage, _ headers: HTTPFields, _ session: SessionResolver.Session?, _ client: Client
    ) throws(Refusal) -> [String: String] {
        let unknown = passage.query.keys.filter { !passage.endpoint.takesQuery($0) }.sorted()
        guard unknown.isEmpty else {
            let errors = unknown.map { Problem.FieldError(field: "query.\($0.prefix(60))", detail: "is not a parameter of this operation") }
            throw Refusal(problem: .invalidInput(errors))
        }
        var parameters = passage.pathParameters.merging(passage.query) { path, _ in path }
        for name in passage.endpoint.headerParameters {
            let values = headers.values(name)
            if !values.isEmpty { parameters[name] = values.joined(separator: ", ") }
        }
        if passage.endpoint.isPaged, !headers.values("accept").isEmpty { parameters["accept"] = headers.values("accept").joined(separator: ", ") }
        if passage.endpoint.sendsSession { parameters["session"] = session?.tokenHash }
        if passage.endpoint.sendsClientAddress {
            parameters[Request.clientAddress] = client.address
            parameters[Request.clientAgent] = client.agent
        }
        // A secret in the path travels no further than this.
        if let name = passage.endpoint.hashedParameter, let secret = parameters[name] { parameters[name] = SHA256.hex(secret) }
        return parameters
    }

    private func verify(_ headers: HTTPFields, _ body: [UInt8], _ query: [String: String], by scheme: String) async throws(Refusal) {
        guard let scheme = webhooks[scheme] else { throw .unavailable("No secret for these webhooks is configured.") }
        do throws(WebhookFault) {
            try await scheme.verify(headers.values, body, query: query, now: clock.now())
        } catch {
            if error.isTemporary { throw .unavailable(error.detail) }
            throw Refusal(problem: Problem("bad-signature", title: "Bad signature", status: 400, detail: error.detail))
        }
    }
}

extension HTTPFields {
    /// The values of all fields with this name, given in lower case.
    package func values(_ name: String) -> [String] {
        compactMap { $0.name.canonicalName == name ? $0.value : nil }
    }
}
