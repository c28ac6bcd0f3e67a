import AMQP
import Contracts
import FoundationEssentials
import JSON
import Messaging

/// Runs orders workers of an earlier version alongside current ones, as during an upgrade. Their requests for stock do not name the next step, so catalog reports to orders, which
/// requests the charge itself.
enum EarlierOrders {
    /// The share of shops in which an upgrade is under way.
    static let upgrades = 0.5

    /// Converts every second request to that of an earlier version, always in the same way for the same request.
    static func sending(_ publication: Publication) -> Publication {
        guard publication.routingKey == MessageName.reserve, let id = publication.properties.messageID.flatMap(UUID.init(uuidString:)), id.uuid.15.isMultiple(of: 2),
            let step = try? JSON.decode(ReserveStock.self, from: publication.body),
            let body = try? JSON.encode(ReserveStock(orderID: step.orderID, lines: step.lines))
        else { return publication }
        var publication = publication
        publication.body = body
        return publication
    }
}
