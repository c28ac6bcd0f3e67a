import AMQP
import ArgumentParser
import Carts
import Catalog
import Contracts
import DeadLetters
import IOThreads
import Logging
import Messaging
import Notifications
import Operations
import Orders
import Payments
import PostgreSQL
import Redis
import Secrets
import ServiceLifecycle
import Users
import WebClient

// The list of services. A new service needs a case in each of these switches.

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
                gateways: GatewayName.allCases.map { Assembly.unconnectedGateway($0, transport: Nowhere(), clock: clock) }, clock: clock)
        case .notifications:
            NotificationsService.definition(
                email: EmailChannel(transport: Nowhere(), sender: try sender()), ask: unanswered, clock: clock, randomness: randomness)
        case .deadletters: DeadLettersService.definition(services: Self.allCases.map(\.rawValue), ask: unanswered, clock: clock)
        }
    }

    private func sender() throws -> MailAddress {
        guard let address = MailAddress(bare: "wharf@localhost") else { throw Nowhere.Failure() }
        return address
    }
}

extension Assembly {
    /// The service with the connections of a worker process. Appends to `services` whatever has to run besides its database, its publishers and its queues.
    func definition(
        of service: ServiceName, database: PostgresPool, publisher: Publisher, on thread: IOThread, _ services: inout [any Service]
    ) throws -> ServiceDefinition {
        let user = service.rawValue
        switch service {
        case .users:
            let redis = try RedisClient(url: settings.redisURL, renewing: { settings.redisURL }, logger: logger("redis"))
            services.append(RedisService(client: redis))
            let ask = try asking(user, commands: publisher, on: thread, &services)
            // The key of the password that is current now: senders use it for a while after a change.
            _ = credentialsKeys.all()
            return UsersService.definition(
                ask: ask, clock: clock, randomness: randomness, attempts: redis, sealing: { credentialsKeys.all().first }, logger: logger("users"))
        case .catalog:
            return CatalogService.definition(clock: clock, randomness: randomness)
        case .carts:
            let ask = try asking(user, commands: publisher, on: thread, &services)
            return CartsService.definition(ask: ask, clock: clock, randomness: randomness, gateways: offeredGateways)
        case .orders:
            let ask = try asking(user, commands: publisher, on: thread, &services)
            services.append(OrdersService.gauges(of: database, clock: clock, logger: logger("gauges")))
            return OrdersService.definition(
                retention: Double(settings.orderRetentionDays) * 86_400, shop: MailAddress(settings.mail.from)?.name,
                inboxes: Inboxes(ask: ask, randomness: randomness), clock: clock)
        case .payments:
            let gateways = try gateways()
            services.append(PaymentsService.gauges(of: database, clock: clock, logger: logger("gauges")))
            services += watches(of: gateways, database: database, publisher: publisher)
            return PaymentsService.definition(gateways: gateways, capture: settings.capture, clock: clock)
        case .notifications:
            let ask = try asking(user, commands: publisher, on: thread, &services)
            let ledger = SendingLedger()
            let channels = try notificationChannels()
            services.append(MailPreviewPage(preview: MailPreview(channels.email)))
            services.append(WaitingWatch(database: database, ledger: ledger, clock: clock, logger: logger("waiting")))
            return NotificationsService.definition(
                email: channels.email, others: channels.others, ledger: ledger, ask: ask, clock: clock, randomness: randomness)
        case .deadletters:
            let queue = try self.consumer("dead-letters", of: user, prefetch: DeadLetterCollector.prefetch, on: thread)
            services += [queue, DeadLetterCollector(consumer: queue, database: database, clock: clock, logger: logger("collector"))]
            services.append(DeadLettersService.gauges(of: database, services: ServiceName.allCases.map(\.rawValue), clock: clock, logger: logger("gauges")))
            let waiting = try self.consumer(WaitingCollector.queue, of: user, prefetch: WaitingCollector.prefetch, on: thread)
            services += [waiting, WaitingCollector(consumer: waiting, database: database, clock: clock, logger: logger("waiting"))]
            let ask = try asking(user, commands: publisher, on: thread, &services)
            return DeadLettersService.definition(services: ServiceName.allCases.map(\.rawValue), ask: ask, rules: deadLetterRules, transport: vendors("alerts"), clock: clock)
        }
    }
}

extension Assembly {
    /// What happens to dead letters without an operator.
    fileprivate var deadLetterRules: DeadLetterRules {
        let (causes, groups) = (settings.deadLetters.replayCauses, settings.deadLetters.replayGroups)
        let (minutes, times) = (settings.deadLetters.replayAfterMinutes, settings.deadLetters.replayTimes)
        let replay = causes.isEmpty && groups.isEmpty ? nil : DeadLetterRules.Replay(causes: causes, groups: groups, afterMinutes: minutes, times: times)
        return DeadLetterRules(replay: replay, alert: deadLetterAlert)
    }

    private var deadLetterAlert: DeadLetterRules.Alert? {
        let webhook = settings.deadLetters.alertURL.flatMap { url in
            settings.deadLetters.alertSecret.map { secret in DeadLetterRules.Alert.Webhook(url: url, secret: (settings.deadLetters.alertSecret ?? secret).exposed) }
        }
        let command = settings.deadLetters.alertCommand.map { AlertCommand($0, logger: logger("alerts")).run }
        return webhook == nil && command == nil ? nil : .init(webhook: webhook, command: command, rate: settings.deadLetters.alertRate)
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
