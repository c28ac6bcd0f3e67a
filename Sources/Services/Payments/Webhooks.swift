import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// An event of Stripe's, as far as payments needs it.
struct StripeEvent: Sendable, Decodable {
    struct Data: Sendable, Decodable {
        let object: StripeIntent
    }

    let id: String
    let type: String
    let data: Data?

    private enum CodingKeys: String, CodingKey {
        case id, type, data
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        type = try container.decode(String.self, forKey: .type)
        // Events about other things have objects of other shapes; they are taken and ignored.
        data = type.hasPrefix("payment_intent.") ? try container.decode(Data.self, forKey: .data) : nil
    }

    static func read(_ request: Request) throws -> StripeEvent {
        do {
            return try JSON.decode(from: request.body)
        } catch {
            throw Failure("malformed-message", "not an event of Stripe's: \(error)")
        }
    }
}

/// What the gateway tells by itself: the end of a 3-D Secure authentication, or what a call that timed out has led to.
struct Webhooks: Sendable {
    let clock: any WallClock

    func handle(_ items: [Item<StripeEvent>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let new = try await Store.addEvents(items.map(\.input.id), now: now, on: transaction)
        let orders = items.compactMap(\.input.data?.object.order)
        var attempts = try await Store.lock(orders, on: transaction)
        var changed: Set<UUID> = []
        let outcomes: [Outcome] = try items.map { item in
            guard new.contains(item.input.id), let intent = item.input.data?.object, let order = intent.order,
                var attempt = attempts[order], let status = intent.paymentStatus
            else { return .done() }
            let wasVoided = attempt.state == .voided
            guard attempt.learn(status), let event = attempt.event else { return .done() }
            attempts[order] = attempt
            changed.insert(order)
            if wasVoided {
                return .done(emit: [try Emission(.request(MessageName.void), VoidPayment(orderID: order))])
            }
            return .done(emit: [try Emission(.request(MessageName.advance), event)])
        }
        try await Store.save(changed.compactMap { attempts[$0] }, now: now, on: transaction)
        return outcomes
    }

    func dropOld(on transaction: any SQLConnection) async throws -> [Emission] {
        try await Store.dropEvents(before: clock.now(), on: transaction)
        return []
    }
}
