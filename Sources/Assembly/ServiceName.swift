import ArgumentParser
import Carts
import Catalog
import DeadLetters
import Notifications
import Orders
import Payments
import PostgreSQL
import Users

/// The services' names on the command line, in settings, schemas, queues and users.
package enum ServiceName: String, CaseIterable, ExpressibleByArgument {
    case users, catalog, carts, orders, payments, notifications, deadletters

    /// The migrations of the service's schema.
    var migrations: [Migration] {
        switch self {
        case .users: UsersService.migrations
        case .catalog: CatalogService.migrations
        case .carts: CartsService.migrations
        case .orders: OrdersService.migrations
        case .payments: PaymentsService.migrations
        case .notifications: NotificationsService.migrations
        case .deadletters: DeadLettersService.migrations
        }
    }
}
