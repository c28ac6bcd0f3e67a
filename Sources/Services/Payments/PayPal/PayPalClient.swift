import Contracts
import FoundationEssentials
import JSON
import Runtime
import Secrets
import Synchronization
import WebClient

/// Sends calls to PayPal's API with a token, which is requested when it is missing, about to expire, or rejected.
struct PayPalClient: Sendable {
    struct Credentials: Sendable {
        let clientID: String
        let secret: @Sendable () -> String
    }

    /// Seconds for a call with everything that it needs, tokens included; no more than `Charging.longestCall`.
    static let timeout = 30.0
    /// Seconds for the request for a token.
    static let tokenTimeout = 8.0
    /// The least time, in seconds, that must be left for a request, so that it can be answered at all.
    static let shortestTimeout = 0.5

    private let transport: any HTTPTransport
    private let credentials: Credentials
    private let base: String
    private let clock: any WallClock
    private let tokens = PayPalTokens()

    init(transport: any HTTPTransport, credentials: Credentials, base: String, clock: any WallClock) {
        self.transport = transport
        self.credentials = credentials
        self.base = base
        self.clock = clock
    }

    /// Sends a call without a body.
    func send(_ method: String, _ path: String, mayBeForbidden: Bool = false) async throws(GatewayError) -> WebResponse {
        try await send(method, path, [], requestID: nil, mayBeForbidden: mayBeForbidden)
    }

    /// Sends a call that PayPal carries out at most once for its request id.
    func send(_ method: String, _ path: String, body: some Encodable, requestID: UUID) async throws(GatewayError) -> WebResponse {
        guard let bytes = try? JSON.encode(body) else { throw .notSent("the request cannot be written as JSON") }
        return try await send(method, path, bytes, requestID: requestID, mayBeForbidden: false)
    }

    /// - Throws: ``GatewayError/unknown(_:)`` for a response that does not show whether the call was carried out.
    private func send(
        _ method: String, _ path: String, _ body: [UInt8], requestID: UUID?, mayBeForbidden: Bool
    ) async throws(GatewayError) -> WebResponse {
        let end = clock.now().addingTimeInterval(Self.timeout)
        let token = try await token(until: end)
        var response = try await call(method, path, body, requestID, token, until: end)
        if response.status == 401 {
            tokens.forget(token)
            response = try await call(method, path, body, requestID, try await self.token(until: end), until: end)
        }
        switch response.status {
        case 401: throw .notSent("PayPal rejects the token that it has just issued")
        case 403 where !mayBeForbidden: throw .notSent("PayPal forbids \(method) \(path.prefix { $0 != "?" }); check the application's features")
        case 409, 429, 500...: throw .unknown("PayPal answered \(response.status): \(PayPalFailure(response).summary)")
        default: return response
        }
    }

    private func call(
        _ method: String, _ path: String, _ body: [UInt8], _ requestID: UUID?, _ token: String, until end: Date
    ) async throws(GatewayError) -> WebResponse {
        var headers = [("Authorization", "Bearer \(token)")]
        if let requestID {
            headers += [("Content-Type", "application/json"), ("PayPal-Request-Id", requestID.lowerCaseText), ("Prefer", "return=representation")]
        }
        return try await exchange(WebRequest(method: method, url: base + path, headers: headers, body: body, timeout: try timeout(until: end)))
    }

    private func token(until end: Date) async throws(GatewayError) -> String {
        do {
            return try await tokens.token(at: clock.now()) {
                let basic = Base64.encode(Array("\(credentials.clientID):\(credentials.secret())".utf8))
                let request = WebRequest(
                    method: "POST", url: base + "/v1/oauth2/token",
                    headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded")],
                    body: PercentEncoding.form([("grant_type", "client_credentials")]), timeout: min(try timeout(until: end), .seconds(Self.tokenTimeout)))
                return try PayPalTokens.Grant(response: try await exchange(request), at: clock.now())
            }
        } catch {
            // Without a token, the call itself was not sent.
            switch error as? GatewayError {
            case .unknown(let detail), .keySpent(let detail), .notSent(let detail), .refused(let detail): throw .notSent(detail)
            case nil: throw .notSent("the request for a token was interrupted")
            }
        }
    }

    private func timeout(until end: Date) throws(GatewayError) -> Duration {
        let left = end.timeIntervalSince(clock.now())
        guard left >= Self.shortestTimeout else { throw .notSent("there is no time left for the call to PayPal") }
        return .seconds(left)
    }

    private func exchange(_ request: WebRequest) async throws(GatewayError) -> WebResponse {
        do {
            return try await transport.send(request)
        } catch let error as WebClientError {
            throw error.requestMayHaveBeenSent ? .unknown(error.message) : .notSent(error.message)
        } catch {
            throw .unknown("the call was interrupted")
        }
    }
}
