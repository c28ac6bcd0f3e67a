import FoundationEssentials
import Secrets

/// The owner of a PayPal order, which may belong to another shop.
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

    /// Nil for an order that is not Wharf's. Wharf's have one purchase unit, whose custom id is the id of our order.
    let order: UUID?

    init(from decoder: any Decoder) throws {
        let units = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent([Unit].self, forKey: .units) ?? []
        order = units.count == 1 ? units.first?.custom.flatMap(UUID.init(text:)) : nil
    }
}

/// The owner of a PayPal capture.
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

    /// The PayPal order that it belongs to; nil if the answer does not contain it.
    let order: String?

    init(from decoder: any Decoder) throws {
        order = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Supplement.self, forKey: .supplement)?.related?.order
    }
}
