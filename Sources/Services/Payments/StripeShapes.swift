import FoundationEssentials
import Messaging
import Secrets
import WebClient

/// A PaymentIntent, as far as payments needs it.
struct StripeIntent: Sendable, Decodable {
    struct Failure: Sendable, Decodable {
        let code: String?
        let declineCode: String?

        private enum CodingKeys: String, CodingKey {
            case code
            case declineCode = "decline_code"
        }
    }

    let id: String
    let status: String
    let clientSecret: String?
    let metadata: [String: String]?
    let lastPaymentError: Failure?

    private enum CodingKeys: String, CodingKey {
        case id, status, metadata
        case clientSecret = "client_secret"
        case lastPaymentError = "last_payment_error"
    }

    var order: UUID? { metadata?["order_id"].flatMap(UUID.init(text:)) }

    /// Nil while it is on its way to one of these.
    var paymentStatus: PaymentStatus? {
        switch status {
        case "succeeded": .succeeded(intent: id)
        case "requires_action": .requiresAction(intent: id, clientSecret: clientSecret ?? "")
        case "requires_payment_method":
            .declined(intent: id, code: lastPaymentError?.declineCode ?? lastPaymentError?.code ?? "declined")
        case "canceled": .cancelled(intent: id)
        default: nil
        }
    }
}

struct StripeList: Sendable, Decodable {
    let data: [StripeIntent]
    let hasMore: Bool?

    private enum CodingKeys: String, CodingKey {
        case data
        case hasMore = "has_more"
    }
}

/// What Stripe says when it says no.
struct StripeFailure: Sendable {
    private struct Body: Decodable {
        struct Detail: Decodable {
            struct Intent: Decodable {
                let id: String
            }

            let type: String?
            let code: String?
            let declineCode: String?
            let message: String?
            let intent: Intent?

            enum CodingKeys: String, CodingKey {
                case type, code, message
                case declineCode = "decline_code"
                case intent = "payment_intent"
            }
        }

        let error: Detail
    }

    static let maximumSummary = 300

    let type: String
    let code: String?
    /// What the customer's bank, or Stripe, calls the reason.
    let declineCode: String
    let intent: String?
    let summary: String

    init(_ response: WebResponse) {
        let detail = try? JSON.decode(Body.self, from: response.body).error
        type = detail?.type ?? "unknown"
        code = detail?.code
        declineCode = detail?.declineCode ?? detail?.code ?? type
        intent = detail?.intent?.id
        summary = String((detail?.message ?? "no reason given").prefix(Self.maximumSummary))
    }
}

/// `application/x-www-form-urlencoded`.
enum Form {
    static func encode(_ fields: [(String, String)]) -> [UInt8] {
        Array(fields.map { "\(escape($0))=\(escape($1))" }.joined(separator: "&").utf8)
    }

    static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.append(byte)
            default:
                escaped += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
