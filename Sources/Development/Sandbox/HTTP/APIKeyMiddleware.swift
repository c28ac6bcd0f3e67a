import FoundationEssentials
import HTTPTypes
import Hummingbird
import Secrets

/// Admits only requests with the API key: as a Bearer token, or as the user name of HTTP Basic, as Stripe accepts it.
struct APIKeyMiddleware: RouterMiddleware {
    private let key: [UInt8]

    init(key: String) {
        self.key = Array(key.utf8)
    }

    func handle(
        _ request: Request, context: SandboxContext, next: (Request, SandboxContext) async throws -> Response
    ) async throws -> Response {
        guard let authorization = request.headers[.authorization] else { throw StripeError.missingKey }
        guard let given = Self.key(in: authorization), constantTimeEquals(given, key) else { throw StripeError.wrongKey }
        return try await next(request, context)
    }

    static func key(in authorization: String) -> [UInt8]? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "bearer": return Array(parts[1].utf8)
        case "basic": return Data(base64Encoded: String(parts[1])).map { Array($0.prefix { $0 != UInt8(ascii: ":") }) }
        default: return nil
        }
    }
}
