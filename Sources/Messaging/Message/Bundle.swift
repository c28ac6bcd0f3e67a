import AMQP
import Contracts
import FoundationEssentials

/// Messages that leave together for one destination travel as one: the broker writes, routes, confirms and counts one message for all of them.
///
/// A bundle is only a way to travel. Its messages have their own ids; each is handled, remembered, retried and buried by itself, and the bundle is
/// acknowledged when the last of them is taken care of. On redelivery the inbox finds the messages already handled.
///
/// A change of the bytes is a new content type that begins with this one: workers that do not know it leave such a bundle to those that do (see `check`).
package enum Bundle {
    /// Messages in one: enough for the broker's share to vanish, and few enough that a pool of workers shares a backlog evenly.
    static let maximumMessages = 50
    /// Of the bodies together, in bytes: a bundle fits into one frame. A larger message travels alone.
    static let maximumBytes = 64 * 1024

    static let contentType = "application/vnd.wharf.bundle"

    /// The publications to send in place of `publications`, each with the places of those that it stands for.
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

    /// The messages of a delivery: itself, unless it is a bundle. They have its tag, and what the broker says about it.
    package static func open(_ delivery: Delivery) -> [Delivery] {
        guard delivery.properties.contentType == contentType else { return [delivery] }
        var reader = BundleReader(delivery.body)
        // Should it only claim to be a bundle, it is set aside as what it is.
        guard let messages = reader.messages(limit: maximumMessages) else { return [delivery] }
        // What the broker says about the delivery, and what was written on a bundle that was set aside as a whole, by a worker that could not open it.
        let told = delivery.properties.headers.filter { $0.key.hasPrefix("x-") || HeaderName.ofSettingAside.contains($0.key) }
        return messages.map { message in
            var properties = delivery.properties
            properties.messageID = message.messageID
            properties.contentType = "application/json"
            properties.replyTo = message.replyTo
            properties.correlationID = message.correlationID
            properties.headers = told.isEmpty ? message.headers : message.headers.merging(told) { $1 }
            return Delivery(
                tag: delivery.tag, exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: delivery.redelivered,
                properties: properties, body: message.body)
        }
    }

    /// Throws for a bundle of a version that this worker does not know. It climbs the ladder whole, so that a newer worker beside this one can take it; one
    /// that nobody takes becomes a dead letter with its content type, and is opened once it is replayed to a worker that knows it.
    static func check(_ delivery: Delivery) throws(Failure) {
        guard let type = delivery.properties.contentType, type.hasPrefix(contentType), type != contentType else { return }
        throw Failure("unknown-bundle", "'\(type.prefix(100))' is a bundle that only a newer worker can open", remedy: .retry)
    }

    /// What messages have in common that travel together.
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

    /// Requests and events for workers, and answers, of which only those are given here whose requester opens bundles; broadcasts, and what is replayed or
    /// set aside, stay as they are.
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

/// Which deliveries are taken care of, where several messages came in one.
struct Acknowledgements {
    /// Messages of a bundle that are still to be taken care of.
    private var open: [DeliveryTag: Int] = [:]
    private var released: Set<DeliveryTag> = []

    mutating func expect(_ messages: Int, of tag: DeliveryTag) {
        if messages > 1 { open[tag] = messages }
    }

    /// One message of each of these deliveries has been taken care of; gives those of which it was the last.
    mutating func done(_ tags: [DeliveryTag]) -> [DeliveryTag] {
        tags.filter { tag in
            guard let left = open[tag] else { return true }
            open[tag] = left - 1
            return left == 1 && !released.contains(tag)
        }
    }

    /// These have to come again, with all of their messages; gives each once.
    mutating func release(_ tags: [DeliveryTag]) -> [DeliveryTag] {
        tags.filter { released.insert($0).inserted }
    }
}
