import FoundationEssentials
import Secrets

/// Whose an order of PayPal's is; of any shop's order.
struct PayPalOwner: Sendable, Decodable {
    private struct Unit: Decodable {
        let custom: String?

        private enum CodingKeys: String, CodingKey {
            case custom = "custom_id"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case units = "purchase_units"
    }

    /// Nil for an order that is not one of Wharf's: those have one purchase unit, with the name of the order.
    let order: UUID?

    init(from decoder: any Decoder) throws {
        let units = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([Unit].self, forKey: .units) ?? []
        order = units.count == 1 ? units.first?.custom.flatMap(UUID.init(text:)) : nil
    }
}

/// Whose a capture of PayPal's is.
struct PayPalCaptureOwner: Sendable, Decodable {
    private struct Supplement: Decodable {
        struct Related: Decodable {
            let order: String?

            private enum CodingKeys: String, CodingKey {
                case order = "order_id"
            }
        }

        let related: Related?

        private enum CodingKeys: String, CodingKey {
            case related = "related_ids"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case supplement = "supplementary_data"
    }

    /// The order of PayPal's that it belongs to, where the answer says.
    let order: String?

    init(from decoder: any Decoder) throws {
        order = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Supplement.self, forKey: .supplement)?.related?.order
    }
}
