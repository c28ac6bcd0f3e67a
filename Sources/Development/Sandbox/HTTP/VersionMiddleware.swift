import HTTPTypes
import Hummingbird

/// Adds the API version to every response: the request's own (`Stripe-Version`), or the account's. The sandbox's objects are the same
/// in all versions; a header that is not a version is refused.
struct VersionMiddleware: RouterMiddleware {
    /// The version of the sandbox's account. Events have this version, whatever version requests ask for.
    static let pinned = WebhookEvent.apiVersion

    func handle(
        _ request: Request, context: SandboxContext, next: (Request, SandboxContext) async throws -> Response
    ) async throws -> Response {
        let asked = request.headers[.stripeVersion]
        var response: Response
        do {
            if let asked, !Self.isVersion(asked) { throw StripeError.invalidRequest("Invalid Stripe API version: \(asked)") }
            response = try await next(request, context)
        } catch let error as StripeError {
            response = Response(error)
        }
        response.headers[.stripeVersion] = asked.flatMap { Self.isVersion($0) ? $0 : nil } ?? Self.pinned
        return response
    }

    /// As in `2024-06-20` and `2025-03-31.basil`.
    static func isVersion(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let date = parts.first else { return false }
        let numbers = date.split(separator: "-", omittingEmptySubsequences: false)
        guard numbers.map(\.utf8.count) == [4, 2, 2], numbers.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else { return false }
        return parts.dropFirst().allSatisfy { name in !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) } }
    }
}
