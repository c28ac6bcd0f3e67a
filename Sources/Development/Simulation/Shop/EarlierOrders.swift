import AMQP
import Contracts
import FoundationEssentials
import JSON
import Messaging

/// Orders workers of an earlier version beside those of today, as during an upgrade: their requests for stock do not name the step that follows, so catalog reports to orders, which
/// requests the charge itself.
enum EarlierOrders {
    /// In how many shops an upgrade is under way.
    static let upgrades = 0.5

    /// The request as an earlier version sends it, for every second one. It is the same whenever it is sent again.
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
