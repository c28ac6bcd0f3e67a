import FoundationEssentials
import JSON
import Messaging

/// RabbitMQ's queues, as its management API reports them, a few seconds late.
package struct BrokerView: Sendable {
    /// Returns the body of the response to a GET of a path of the management API.
    package typealias Fetch = @Sendable (_ path: String) async throws -> [UInt8]

    private static let path = "/api/queues?columns=name,messages,messages_ready,messages_unacknowledged,consumers,head_message_timestamp,message_stats.deliver_get_details.rate"

    private let fetch: Fetch

    package init(fetch: @escaping Fetch) {
        self.fetch = fetch
    }

    /// The queues by name, without the reply queues of single processes.
    func queues() async throws -> [BrokerQueue] {
        let found: [BrokerQueue] = try JSON.decode(from: try await fetch(Self.path))
        return found.filter { !QueueNames.isOfProcess($0.name) }.sorted { $0.name < $1.name }
    }
}

/// A queue. The broker omits figures that it has not counted yet.
struct BrokerQueue: Decodable, Sendable, Equatable {
    let name: String
    let messages: Int?
    let ready: Int?
    let unacknowledged: Int?
    let consumers: Int?
    /// The time when the oldest message was sent, if the broker knows it.
    let oldest: Date?
    /// Messages delivered to consumers, per second.
    let rate: Double?

    /// Seconds of a time that can be shown. Publishers choose their timestamps.
    private static let times = 0.0...253_402_300_799.0

    /// True if messages wait without a consumer. Messages on the retry ladder and dead letters wait by design.
    var isNeglected: Bool { (messages ?? 0) > 0 && consumers == 0 && !isLadder }
    var isLadder: Bool { QueueNames.isRung(name) }

    private enum Member: String, CodingKey {
        case name, messages, consumers
        case ready = "messages_ready"
        case unacknowledged = "messages_unacknowledged"
        case oldest = "head_message_timestamp"
        case stats = "message_stats"
    }

    private struct Stats: Decodable {
        struct Details: Decodable { let rate: Double? }
        let taken: Details?

        private enum CodingKeys: String, CodingKey { case taken = "deliver_get_details" }
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        name = try members.decode(String.self, forKey: .name)
        messages = try members.decodeIfPresent(Int.self, forKey: .messages)
        ready = try members.decodeIfPresent(Int.self, forKey: .ready)
        unacknowledged = try members.decodeIfPresent(Int.self, forKey: .unacknowledged)
        consumers = try members.decodeIfPresent(Int.self, forKey: .consumers)
        // Absent, empty, or seconds since 1970.
        oldest = (try? members.decodeIfPresent(Double.self, forKey: .oldest)).flatMap { $0 }.flatMap { Self.times.contains($0) ? Date(timeIntervalSince1970: $0) : nil }
        rate = (try? members.decodeIfPresent(Stats.self, forKey: .stats)).flatMap { $0 }?.taken?.rate
    }
}
