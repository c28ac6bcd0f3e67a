import AMQP
import Carts
import Catalog
import Contracts
import FoundationEssentials
import Logging
import Messaging
import Notifications
import Orders
import Payments
import Runtime
import Secrets
import Synchronization

/// The whole of Wharf's checkout, assembled as in production, on the seams of the simulation: worker processes that are restarted when they die,
/// and one ingress.
final class Shop: Sendable {
    enum Service: String, CaseIterable {
        case catalog, carts, orders, payments, notifications

        /// Two where it matters most that two copies of a message meet in two processes.
        var processes: Int { self == .orders || self == .payments ? 2 : 1 }
    }

    static let restartDelay = 200...4_000
    static let replyQueueRoom = 1_000
    /// Shorter than in production, so that a run reaches its end in less virtual time.
    static let times: CheckoutTimes = {
        var times = CheckoutTimes()
        times.lifetime = 60
        times.grace = 20
        times.firstTimeout = 4
        times.longestTimeout = 30
        return times
    }()
    /// Those of the ingress.
    private static let namespace = UUID(uuid: (0x5B, 0x1F, 0x4C, 0x9E, 0x7A, 0x02, 0x4D, 0x63, 0x9E, 0x14, 0xC8, 0x0D, 0x2B, 0x6A, 0xF7, 0x31))

    let scheduler: Scheduler
    let clock: SimulatedClock
    let broker: ModelBroker
    let gateway: ModelGateway
    let mails = MailBook()
    let origins = Origins()
    let faults: Faults
    let visits: Visits
    let databases: [Service: SharedDatabase]
    let sabotage: Sabotage?
    let capture: CaptureMode
    let cards: [Customer.Card]
    /// True if some of the orders workers have an earlier version.
    let isUpgrading: Bool
    let logger: Logger
    private let chance: Chance
    private let running = Mutex<[SimulatedProcess]>([])
    private let sender: MailAddress
    let ingress: RequestClient

    init(
        scheduler: Scheduler, broker: ModelBroker, gateway: ModelGateway, faults: Faults, visits: Visits, databases: [Service: SharedDatabase],
        seed: UInt64, capture: CaptureMode, sabotage: Sabotage?, logger: Logger
    ) throws {
        guard let sender = MailAddress(bare: "shop@wharf.example") else { throw SimulationError("the shop's own address cannot be read") }
        self.sender = sender
        (self.scheduler, self.broker, self.gateway, self.faults, self.visits) = (scheduler, broker, gateway, faults, visits)
        (self.databases, self.capture, self.sabotage, self.logger) = (databases, capture, sabotage, logger)
        clock = scheduler.clock
        chance = Chance(seed: seed, stream: "services")
        isUpgrading = Chance(seed: seed, stream: "versions").happens(EarlierOrders.upgrades)
        cards = Chance(seed: seed, stream: "cards").happens(Customer.payPalShops) ? Customer.payPalCards : Customer.usualCards
        let process = SimulatedProcess("ingress", faults: faults, visits: visits, isMortal: false)
        ingress = Self.requestClient(process, broker, faults, visits, clock: clock, randomness: Chance(seed: seed, stream: "ingress"), logger)
    }

    private static func requestClient(
        _ process: SimulatedProcess, _ broker: ModelBroker, _ faults: Faults, _ visits: Visits, clock: any WallClock, randomness: any Randomness, _ logger: Logger
    ) -> RequestClient {
        RequestClient(
            commands: ModelPublisher(broker: broker, confirms: true, process: process, faults: faults),
            queries: ModelPublisher(broker: broker, confirms: true, process: process, faults: faults),
            replies: ModelConsumer(
                "replies of \(process.name)", exclusiveIn: [Exchange.replies], of: broker, prefetch: replyQueueRoom, noAck: true, process: process,
                faults: faults, visits: visits),
            clock: clock, randomness: randomness, logger: logger)
    }

    func open() {
        scheduler.spawn { [ingress] in try? await ingress.run() }
        gateway.setWebhook { [weak self] gateway, body in await self?.takeWebhook(gateway, body) ?? true }
        for service in Service.allCases {
            for number in 1...service.processes { start(service, number, incarnation: 1) }
        }
    }

    /// As the ingress does with a correctly signed event.
    private func takeWebhook(_ gateway: GatewayName, _ body: [UInt8]) async -> Bool {
        let id = UUID.v5(namespace: Self.namespace, name: body)
        origins.add(id)
        do {
            try await ingress.post(Request(id: id, operation: "payments.webhooks.\(gateway.rawValue)", body: body), timeout: .seconds(10))
            return true
        } catch {
            return false
        }
    }

    /// The id that the ingress gives to a request with this key.
    func messageID(of operation: String, key: String) -> UUID {
        let id = UUID.v5(namespace: Self.namespace, name: "anonymous|\(operation)|\(key)")
        origins.add(id)
        return id
    }

    /// Messages in queues that a worker empties, by queue.
    var backlog: [String: Int] {
        broker.backlog.filter { ![Exchange.deadLetters, Exchange.waiting].contains($0.key) && !$0.key.hasPrefix("amq.gen-") }
    }

    /// Whether anything is under way that does not only wait for time to pass.
    var hasWork: Bool { !backlog.isEmpty || gateway.pending > 0 }

    func killOne() {
        let living = running.withLock { $0.filter { !$0.isDead } }
        guard !living.isEmpty else { return }
        let victim = faults.chance.pick(living)
        faults.trace.note("\(victim.name) is killed")
        victim.kill()
    }

    // MARK: Processes

    private func start(_ service: Service, _ number: Int, incarnation: Int) {
        guard let shared = databases[service] else { return }
        let process = SimulatedProcess("\(service.rawValue)-\(number).\(incarnation)", faults: faults, visits: visits)
        running.withLock { running in
            running.removeAll(where: \.isDead)
            running.append(process)
        }
        process.onDeath { [self] in
            clock.schedule(after: faults.chance.duration(milliseconds: Self.restartDelay)) { [self] in
                start(service, number, incarnation: incarnation + 1)
            }
        }
        let processClock = ProcessClock(clock: clock, process: process)
        let randomness = NotedRandomness(chance: chance, origins: origins)
        let definition = noting(definition(of: service, process, processClock, randomness))
        let limits = WorkerLimits(batch: 20, lanes: service == .payments ? 4 : 2)
        var consumers: [String: any MessageConsumer] = [:]
        for queue in definition.queues {
            var consumer = ModelConsumer(queue, of: broker, prefetch: limits.prefetch, process: process, faults: faults, visits: visits)
            consumer.acknowledgesAtOnce = sabotage == .earlyAcknowledgement
            consumers[queue] = consumer
        }
        var publisher = ModelPublisher(broker: broker, confirms: true, process: process, faults: faults)
        if service == .orders, isUpgrading { publisher.rewrite = EarlierOrders.sending }
        let wiring = Worker.Wiring(
            consumers: consumers, publisher: publisher,
            replies: ModelPublisher(broker: broker, confirms: false, process: process, faults: faults),
            database: SimulatedDatabase(shared, clock: clock, process: process, faults: faults, visits: visits, sabotage: sabotage),
            clock: processClock, randomness: randomness)
        let worker = Worker(definition, wiring: wiring, limits: limits, name: process.name, logger: logger)
        scheduler.spawn { try? await worker.run() }
    }

    /// The service, with its pollers' findings recorded: those messages follow from no other.
    private func noting(_ service: ServiceDefinition) -> ServiceDefinition {
        let pollers = service.pollers.map { poller in
            Poller(name: poller.name, interval: poller.interval, repeats: poller.repeats) { [origins] connection in
                let found = try await poller.find(connection)
                for origin in found.compactMap(\.origin) { origins.add(UUID.v5(namespace: origin, name: "0")) }
                return found
            }
        }
        return ServiceDefinition(
            name: service.name, operations: service.operations, pollers: pollers, queues: service.queues, sensitiveQueues: service.sensitiveQueues)
    }

    private func definition(of service: Service, _ process: SimulatedProcess, _ clock: ProcessClock, _ randomness: NotedRandomness) -> ServiceDefinition {
        switch service {
        case .catalog: return CatalogService.definition(clock: clock, randomness: randomness)
        case .carts:
            let client = Self.requestClient(process, broker, faults, visits, clock: clock, randomness: randomness, logger)
            scheduler.spawn { try? await client.run() }
            return CartsService.definition(
                ask: client.ask, clock: clock, randomness: randomness, gateways: [.stripe, .paypal])
        case .orders: return OrdersService.definition(times: Self.times, clock: clock)
        case .payments:
            let line = GatewayLine(gateway: gateway, process: process, sabotage: sabotage)
            let payPal = PayPalGateway(transport: line, clientID: "shop", clientSecret: "secret", clock: clock)
            return PaymentsService.definition(gateways: [StripeGateway(transport: line, key: "sk_test"), payPal], capture: capture, clock: clock)
        case .notifications:
            return NotificationsService.definition(
                email: EmailChannel(transport: SimulatedMail(book: mails, process: process, faults: faults), sender: sender),
                // Only mails about accounts need it, and this shop sends none.
                ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, clock: clock, randomness: randomness)
        }
    }
}
