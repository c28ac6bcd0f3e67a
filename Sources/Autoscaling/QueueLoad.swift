import JSON

/// The load of one queue in the broker's statistics, which are up to 5 seconds old.
package struct QueueLoad: Sendable, Equatable {
    /// Messages that wait or are held by workers.
    package var messages: Int
    package var consumers: Int
    /// Acknowledgements per second.
    package var handled: Double
    /// Messages that arrive per second.
    package var arriving: Double

    package init(messages: Int, consumers: Int, handled: Double, arriving: Double) {
        self.messages = messages
        self.consumers = consumers
        self.handled = handled
        self.arriving = arriving
    }
}

extension QueueLoad {
    /// The path of the queues of Wharf's virtual host in the management API.
    package static let path = "/api/queues/%2F?columns=name,messages,consumers,message_stats.ack_details.rate,message_stats.publish_details.rate"

    /// The loads by the queues' names. A queue without statistics, because it is new or its node keeps none, is left out.
    package static func read(_ json: [UInt8]) throws -> [String: QueueLoad] {
        let entries: [Entry] = try JSON.decode(from: json)
        return entries.reduce(into: [:]) { loads, entry in
            guard let messages = entry.messages, let consumers = entry.consumers else { return }
            // A queue that has never held a message has no rates.
            guard entry.message_stats != nil || messages == 0 else { return }
            loads[entry.name] = QueueLoad(
                messages: max(0, messages), consumers: max(0, consumers), handled: entry.rate(\.ack_details), arriving: entry.rate(\.publish_details))
        }
    }

    private struct Entry: Decodable {
        struct Rate: Decodable { let rate: Double? }

        struct Rates: Decodable {
            let ack_details: Rate?
            let publish_details: Rate?
        }

        let name: String
        let messages: Int?
        let consumers: Int?
        let message_stats: Rates?

        func rate(_ kind: KeyPath<Rates, Rate?>) -> Double {
            let rate = message_stats?[keyPath: kind]?.rate ?? 0
            return rate.isFinite ? max(0, rate) : 0
        }
    }
}
