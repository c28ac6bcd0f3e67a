import HTTPTypes
import Hummingbird
import NIOCore

/// Reads requests, and reports every malformed one in Stripe's shape.
extension Request {
    static let maximumBodyBytes = 64 * 1_024

    func bodyBytes() async throws -> [UInt8] {
        do {
            return Array(try await body.collect(upTo: Self.maximumBodyBytes).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw StripeError.bodyTooLarge(limit: Self.maximumBodyBytes)
        }
    }

    func formBody() async throws -> FormParameters {
        let bytes = try await bodyBytes()
        if let type = headers[.contentType], !bytes.isEmpty, !type.lowercased().hasPrefix("application/x-www-form-urlencoded") {
            throw StripeError.invalidRequest(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
        }
        return try FormParameters(decoding: bytes)
    }

    func queryReader() throws(StripeError) -> ParameterReader {
        ParameterReader(try FormParameters(decoding: (uri.query ?? "").utf8))
    }

    /// The request's `Idempotency-Key`; nil without one.
    func idempotencyKey(for parameters: FormParameters) throws(StripeError) -> IdempotencyKey? {
        guard let name = headers[.idempotencyKey] else { return nil }
        guard (1...IdempotencyKey.maximumCharacters).contains(name.count) else {
            throw .keyTooLong(limit: IdempotencyKey.maximumCharacters)
        }
        return IdempotencyKey(name: name, endpoint: "\(method.rawValue) \(uri.path)", parameters: parameters)
    }
}
