import HTTPTypes
import Hummingbird
import Logging

/// Gives every error Stripe's shape, those of the server framework included.
struct StripeErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: SandboxContext, next: (Request, SandboxContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as StripeError {
            return Response(error)
        } catch let error as HTTPError where error.status == .notFound {
            return Response(.unknownURL(method: request.method.rawValue, path: request.uri.path))
        } catch let error as any HTTPResponseError {
            return Response(StripeError(status: error.status.code, kind: .invalidRequest, message: error.status.reasonPhrase))
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "http.path": "\(request.uri.path)"])
            return Response(StripeError(status: 500, kind: .api, message: "An unknown error occurred."))
        }
    }
}

extension Response {
    init(_ error: StripeError) {
        self.init(json: error.body(), status: HTTPResponse.Status(code: error.status))
        if error.status == 401 { headers[.wwwAuthenticate] = "Basic realm=\"Stripe\"" }
    }

    init(json: [UInt8], status: HTTPResponse.Status = .ok) {
        self.init(
            status: status, headers: [.contentType: "application/json", .requestID: Identifier.make("req_")],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    init(_ reply: StoredReply) {
        self.init(json: reply.body, status: HTTPResponse.Status(code: reply.status))
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name.named("Idempotency-Key")
    static let idempotentReplayed = HTTPField.Name.named("Idempotent-Replayed")
    static let requestID = HTTPField.Name.named("Request-Id")
    static let stripeVersion = HTTPField.Name.named("Stripe-Version")

    static func named(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return name
    }
}
