import FoundationEssentials
import JSON
import Runtime
import Synchronization
import WebClient

/// The token with which this process calls PayPal, kept in memory until shortly before it expires. Callers that find none share one request for a new one.
final class PayPalTokens: Sendable {
    /// How long before it expires a token is replaced, in seconds: longer than any call.
    static let margin = 60.0
    /// The longest time that a token is kept, in seconds, whatever PayPal's response says. PayPal's tokens are valid for nine hours.
    static let longestLife = 32_400.0

    struct Grant: Sendable {
        private struct Body: Decodable {
            let accessToken: String
            let expiresIn: Int

            private enum CodingKeys: String, CodingKey {
                case accessToken = "access_token"
                case expiresIn = "expires_in"
            }
        }

        let text: String
        let end: Date

        init(text: String, end: Date) {
            self.text = text
            self.end = end
        }

        /// - Throws: ``GatewayError/notSent(_:)`` for an answer without a token.
        init(response: WebResponse, at now: Date) throws(GatewayError) {
            switch response.status {
            case 200: break
            case 400, 401, 403: throw .notSent("PayPal rejects the credentials (\(response.status)); check PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET")
            default: throw .notSent("PayPal answered \(response.status) to the request for a token")
            }
            guard let body = try? JSON.decode(Body.self, from: response.body), Self.isToken(body.accessToken) else {
                throw .notSent("PayPal answered without a token")
            }
            text = body.accessToken
            // A token that expires at once is still used for the call for which it was requested.
            end = now.addingTimeInterval(min(max(Double(body.expiresIn), PayPalTokens.margin), PayPalTokens.longestLife))
        }

        /// Whether the token can be used in a header.
        private static func isToken(_ text: String) -> Bool {
            (1...4_096).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        }
    }

    private let held = Mutex<Grant?>(nil)
    private let flight = SingleFlight<Int, Grant>()

    func token(at now: Date, _ request: () async throws -> Grant) async throws -> String {
        if let held = held.withLock({ $0 }), held.end.addingTimeInterval(-Self.margin) > now { return held.text }
        return try await flight.answer(0) {
            let grant = try await request()
            held.withLock { $0 = grant }
            return grant
        }.text
    }

    /// Drops a token that PayPal has rejected, unless another caller has already replaced it.
    func forget(_ text: String) {
        held.withLock { if $0?.text == text { $0 = nil } }
    }
}
