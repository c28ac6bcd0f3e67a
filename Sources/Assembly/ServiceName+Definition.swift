import Carts
import Catalog
import Contracts
import DeadLetters
import Logging
import Messaging
import Notifications
import Operations
import Orders
import Payments
import Users
import WebClient

extension ServiceName {
    /// The service without connections, for uses that need only its operations and queues, such as the topology. It cannot handle messages.
    package func definition() throws -> ServiceDefinition {
        let clock = SystemClock()
        let randomness = SystemRandomness()
        let unanswered: RequestClient.Ask = { _, _, _ in throw RequestClient.Unanswered.timedOut }
        return switch self {
        case .users:
            UsersService.definition(
                ask: unanswered, clock: clock, randomness: randomness, attempts: nil,
                logger: Logger(label: "none") { _ in SwiftLogNoOpLogHandler() })
        case .catalog: CatalogService.definition(clock: clock, randomness: randomness)
        case .carts: CartsService.definition(ask: unanswered, clock: clock, randomness: randomness)
        case .orders: OrdersService.definition(clock: clock)
        case .payments:
            PaymentsService.definition(
                gateways: [StripeGateway(transport: Nowhere(), key: ""), PayPalGateway(transport: Nowhere(), clientID: "", clientSecret: "", clock: clock)],
                clock: clock)
        case .notifications:
            NotificationsService.definition(
                email: EmailChannel(transport: Nowhere(), sender: try sender()), ask: unanswered, clock: clock, randomness: randomness)
        case .deadletters: DeadLettersService.definition(clock: clock)
        }
    }

    private func sender() throws -> MailAddress {
        guard let address = MailAddress(bare: "wharf@localhost") else { throw Nowhere.Failure() }
        return address
    }
}

/// A transport that sends nothing.
private struct Nowhere: HTTPTransport, MailTransport {
    struct Failure: Error {}

    func send(_ request: WebRequest) async throws -> WebResponse {
        throw Failure()
    }

    func send(_ mail: Mail) async throws(DeliveryError) {
        throw DeliveryError("there is no mail here", .unavailable)
    }
}
