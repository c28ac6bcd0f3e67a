import ShopClient

/// The payment gateway misbehaves in one of the ways that the sandbox supports.
enum GatewayFault: Fault {
    case slow, fails, drops, webhooksTwisted

    private struct Settings: Encodable {
        struct Span: Encodable {
            let min, max: Int
        }

        var latencyMilliseconds: Span?
        var error500Rate: Double?
        var dropAfterChargingRate: Double?
        var duplicateWebhookRate: Double?
        var reorderWebhooks: Bool?
        var webhookDelayMilliseconds: Span?
    }

    func inject(into shop: ChaosShop) async throws {
        let settings =
            switch self {
            case .slow: Settings(latencyMilliseconds: .init(min: 500, max: 3_000))
            case .fails: Settings(error500Rate: 0.7)
            case .drops: Settings(dropAfterChargingRate: 0.5)
            case .webhooksTwisted:
                // Some come long after the answer that they tell of, and some before: that answer is lost, and the call is made again.
                Settings(
                    dropAfterChargingRate: 0.3, duplicateWebhookRate: 0.8, reorderWebhooks: true, webhookDelayMilliseconds: .init(min: 0, max: 2_000))
            }
        _ = try await shop.gateway.answer(to: .send("PUT", "/_faults", settings))
    }

    func restore(in shop: ChaosShop) async throws {
        _ = try await shop.gateway.answer(to: Shop.Call(method: "DELETE", path: "/_faults"))
    }
}
