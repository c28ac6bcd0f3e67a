import AMQP
import Contracts
import FoundationEssentials

/// Messages that leave together for one destination travel as one: the broker writes, routes, confirms and counts a single message for all of them.
///
/// A bundle is only a form of transport. Its messages have their own ids; each is handled, remembered, retried and dead-lettered separately, and the bundle
/// is acknowledged when the last of them is settled. On redelivery the inbox finds the messages already handled.
///
/// A change of the byte format gets a new content type that begins with this one: workers that do not know it leave such a bundle to those that do (`check`).
package enum Bundle {
    /// Messages in one bundle: enough to make the broker's share negligible, and few enough that a pool of workers shares a backlog evenly.
    static let maximumMessages = 50
    /// Of all bodies together, in bytes: a bundle fits into one frame. A larger message travels alone.
    static let maximumBytes = 64 * 1024

    public static let contentType = "application/vnd.wharf.bundle"

    /// Returns the publications to send in place of `publications`, each with the indices of those that it contains.
    static func pack(_ publications: [Publication]) -> [(publication: Publication, places: [Int])] {
        var packed: [(publication: Publication, places: [Int])] = []
        var groups: [[Int]] = []
        var open: [Destination: (group: Int, bytes: Int)] = [:]
        for (place, publication) in publications.enumerated() {
            guard mayTravelTogether(publication) else {
                packed.append((publication, [place]))
                continue
            }
            let key = Destination(publication)
            if let (group, bytes) = open[key], groups[group].count < maximumMessages, bytes + publication.body.count <= maximumBytes {
                groups[group].append(place)
                open[key] = (group, bytes + publication.body.count)
            } else {
                open[key] = (groups.count, publication.body.count)
                groups.append([place])
            }
        }
        for group in groups {
            if group.count > 1, let bundle = bundle(group.map { publications[$0] }) {
                packed.append((bundle, group))
            } else {
                packed += group.map { (publications[$0], [$0]) }
            }
        }
        return packed
    }

    /// Returns the messages of a delivery: the delivery itself, unless it is a bundle. They share its tag and the broker's headers.
    package static func open(_ delivery: Delivery) -> [Delivery] {
        guard delivery.properties.contentType == contentType else { return [delivery] }
        var reader = BundleReader(delivery.body)
        // A delivery that only claims to be a bundle is set aside as it is.
        guard let messages = reader.messages(limit: maximumMessages) else { return [delivery] }
        // The broker's headers on the delivery, and the history on a bundle that was set aside as a whole by a worker that could not open it.
        let brokerHeaders = delivery.properties.headers.filter { $0.key.hasPrefix("x-") || HeaderName.ofSettingAside.contains($0.key) }
        return messages.map { message in
            var properties = delivery.properties
            properties.messageID = message.messageID
            properties.contentType = "application/json"
            properties.replyTo = message.replyTo
            properties.correlationID = message.correlationID
            properties.headers = brokerHeaders.isEmpty ? message.headers : message.headers.merging(brokerHeaders) { $1 }
            return Delivery(
                tag: delivery.tag, exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: delivery.redelivered,
                properties: properties, body: message.body)
        }
    }

    /// Throws for a bundle of a version that this worker does not know. It climbs the ladder whole, so that a newer worker beside this one can take it; if
    /// none does, it becomes a dead letter with its content type, and is opened once it is replayed to a worker that knows it.
    static func check(_ delivery: Delivery) throws(Failure) {
        guard let type = delivery.properties.contentType, type.hasPrefix(contentType), type != contentType else { return }
        throw Failure("unknown-bundle", "'\(type.prefix(100))' is a bundle that only a newer worker can open", remedy: .retry)
    }

    /// What messages that travel together have in common.
    private struct Destination: Hashable {
        let exchange: String
        let routingKey: String
        let persistent: Bool
        let expires: Bool

        init(_ publication: Publication) {
            exchange = publication.exchange
            routingKey = publication.routingKey
            persistent = publication.properties.persistent
            expires = publication.properties.expiration != nil
        }
    }

    /// Requests and events for workers, and those answers whose requester opens bundles (only these reach this point); broadcasts, replayed messages and
    /// failed messages travel alone.
    private static func mayTravelTogether(_ publication: Publication) -> Bool {
        [Exchange.requests, Exchange.events, Exchange.replies].contains(publication.exchange) && publication.mandatory
            && publication.body.count <= maximumBytes
    }

    private static func bundle(_ publications: [Publication]) -> Publication? {
        guard var bundle = publications.first else { return nil }
        var writer = BundleWriter()
        guard publications.allSatisfy({ writer.append($0) }) else { return nil }
        bundle.properties.messageID = nil
        bundle.properties.contentType = contentType
        bundle.properties.headers = [:]
        bundle.properties.replyTo = nil
        bundle.properties.correlationID = nil
        // Each message has its own deadline; the broker drops the bundle when the last of them has passed.
        bundle.properties.expiration = publications.compactMap(\.properties.expiration).max()
        bundle.body = writer.bytes
        return bundle
    }
}

/// Tracks which deliveries are settled, where several messages arrived in one.
struct Acknowledgements {
    /// The number of unsettled messages in each bundle.
    private var open: [DeliveryTag: Int] = [:]
    private var released: Set<DeliveryTag> = []

    mutating func expect(_ messages: Int, of tag: DeliveryTag) {
        if messages > 1 { open[tag] = messages }
    }

    /// One message of each of these deliveries has been settled; returns the deliveries that are now settled whole.
    mutating func done(_ tags: [DeliveryTag]) -> [DeliveryTag] {
        tags.filter { tag in
            guard let left = open[tag] else { return true }
            open[tag] = left - 1
            return left == 1 && !released.contains(tag)
        }
    }

    /// These must be redelivered, with all of their messages; returns each once.
    mutating func release(_ tags: [DeliveryTag]) -> [DeliveryTag] {
        tags.filter { released.insert($0).inserted }
    }
}
