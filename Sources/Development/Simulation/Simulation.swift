import AMQP
import Contracts
import FoundationEssentials
import JSON
import Logging
import Messaging
import PostgreSQL
import Topology

/// One run of the shop under faults. The same plan gives the same run, to the last line of its trace, in every process that hashes in the same way
/// (`SWIFT_DETERMINISTIC_HASHING`), as the program iterates over sets.
public struct Simulation: Sendable {
    public struct Plan: Sendable {
        public var seed: UInt64
        /// Turns of the scheduler in which faults may strike; afterwards everything is left to settle.
        public var steps = 20_000
        public var customers = 12
        /// Crash at this point, with no other faults. Points are counted from 1; 0 is never reached.
        public var crashAt: Int?
        public var sabotage: Sabotage?
        /// When payments are captured; nil lets the seed decide.
        public var capture: CaptureMode?

        public init(seed: UInt64) {
            self.seed = seed
        }
    }

    public struct Report: Sendable {
        public let seed: UInt64
        public let violations: [String]
        public let hash: String
        public let traceLines: Int
        public let steps: Int
        public let crashPoints: Int
        /// Virtual seconds.
        public let seconds: Double
        public let orders: Int
        public let confirmed: Int
        public let deadLetters: Int
        public let visits: Visits
    }

    /// How many seeds capture at the shipment.
    private static let manualCaptures = 0.35
    /// How often to check whether everything has settled, and how many checks in a row must agree.
    private static let look: Duration = .seconds(5)
    private static let looksAtRest = 4
    /// Virtual time that the shop is given to settle.
    private static let settlingLimit: Duration = .seconds(2 * 3600)
    /// Virtual microseconds in which faults strike at least, and at most.
    private static let faultyTime: ClosedRange<Int64> = 100_000_000...200_000_000

    /// The longest rung of the retry ladder, in milliseconds: with the real ones a run would do nothing for most of its time.
    private static let longestRung = 40_000

    let plan: Plan
    let definitions: Definitions

    public init(_ plan: Plan, definitions: Definitions) {
        self.plan = plan
        self.definitions = Self.shortening(definitions)
    }

    private static func shortening(_ definitions: Definitions) -> Definitions {
        var definitions = definitions
        for (place, policy) in definitions.policies.enumerated() where policy.name.hasPrefix("retry.") {
            guard case .integer(let timeToLive)? = policy.definition["message-ttl"] else { continue }
            definitions.policies[place].definition["message-ttl"] = .integer(min(timeToLive, longestRung))
        }
        return definitions
    }

    /// - Parameter trace: Receives each line.
    public func run(on server: SimulationServer, trace show: (@Sendable (String) -> Void)? = nil) async throws -> Report {
        let watchdog = Watchdog()
        let (name, databases, interleaving, audit) = try await server.open(watchdog)
        // Shortly before midnight for some seeds, so that the inbox gets a new day during the run.
        let hour = Chance(seed: plan.seed, stream: "start").below(24)
        let clock = SimulatedClock(start: Date(timeIntervalSince1970: 1_767_225_480 + Double(hour * 3600)))
        let trace = Trace(clock: clock, show: show)
        let scheduler = Scheduler(seed: plan.seed, clock: clock, watchdog: watchdog)
        let visits = Visits()
        let faults = Faults(seed: plan.seed, crashAt: plan.crashAt, trace: trace)
        let broker = try ModelBroker(definitions, clock: clock, chance: Chance(seed: plan.seed, stream: "broker"))
        let gateway = ModelGateway(clock: clock, scheduler: scheduler, faults: faults, visits: visits)
        let logger = Logger(label: "simulation") { _ in TraceLogHandler(trace: trace) }
        let isManual = Chance(seed: plan.seed, stream: "capture").happens(Self.manualCaptures)
        let shop = try Shop(
            scheduler: scheduler, broker: broker, gateway: gateway, faults: faults, visits: visits, databases: databases, seed: plan.seed,
            capture: plan.capture ?? (isManual ? .manual : .automatic), sabotage: plan.sabotage, logger: logger)
        gateway.setVoidedCheck { order in
            let state = try? audit.run { connection in
                try await connection.query("SELECT 1 FROM payments.attempts WHERE order_id = \(order) AND state = 'voided'").count
            }
            return state == 1
        }
        let ledger = CustomerLedger()
        let plan = plan
        let books: Books
        do {
            books = try await scheduler.run {
                shop.open()
                if plan.crashAt == nil { scheduler.spawn { await ShopFaults(shop: shop, visits: visits).run() } }
                await withTaskGroup(of: Void.self) { customers in
                    for number in 1...plan.customers {
                        let chance = Chance(seed: plan.seed, stream: "customer \(number)")
                        let customer = Customer(number: number, shop: shop, ledger: ledger, chance: chance)
                        customers.addTask { try? await customer.run() }
                    }
                    guard plan.crashAt == nil else { return }
                    let clerk = Clerk(shop: shop, ledger: ledger, chance: Chance(seed: plan.seed, stream: "clerk"))
                    customers.addTask { try? await clerk.run() }
                    let warehouse = Chance(seed: plan.seed, stream: "warehouse")
                    let shipper = Caller(id: warehouse.uuid(), role: .admin)
                    customers.addTask { try? await Warehouse(shop: shop, ledger: ledger, chance: warehouse, caller: shipper).run() }
                    let impatient = ImpatientOperator(shop: shop, chance: Chance(seed: plan.seed, stream: "impatient operator"))
                    customers.addTask { try? await impatient.run() }
                    customers.addTask {
                        while scheduler.steps < plan.steps, clock.elapsed < Self.faultyTime.lowerBound || shop.hasWork,
                            clock.elapsed < Self.faultyTime.upperBound
                        { try? await clock.sleep(for: Self.look) }
                        faults.end()
                        trace.note("no more faults")
                    }
                }
                return try await Self.rest(shop, audit)
            }
        } catch let stuck as Scheduler.Stuck {
            throw SimulationError("seed \(plan.seed): \(stuck)")
        }
        let result = report(shop, books, ledger, visits, trace, scheduler)
        for database in databases.values { database.end() }
        interleaving.end()
        audit.end()
        try await server.drop(name)
        return result
    }

    /// Waits until nothing is under way any more, or the limit has passed.
    private static func rest(_ shop: Shop, _ audit: DatabaseSession) async throws -> Books {
        let end = shop.clock.elapsed + settlingLimit.microseconds
        var inARow = 0
        while true {
            let books = try audit.run { try await Books.read(on: $0) }
            let isAtRest = !shop.hasWork && books.unvoided == 0 && books.uncaptured == 0 && books.pendingRefunds == 0 && books.orders.values.allSatisfy(\.isSettled)
            inARow = isAtRest ? inARow + 1 : 0
            if inARow == looksAtRest || shop.clock.elapsed > end { return books }
            try await shop.clock.sleep(for: look)
        }
    }

    private func report(
        _ shop: Shop, _ books: Books, _ ledger: CustomerLedger, _ visits: Visits, _ trace: Trace, _ scheduler: Scheduler
    ) -> Report {
        let letters = shop.broker.messages(in: "dead-letters").map(Audit.DeadLetter.init)
        if shop.capture == .manual {
            for order in books.orders.values where !order.shipped.isEmpty && order.paymentState == "succeeded" { visits.note(Moment.capturedLater) }
            for order in books.orders.values where order.phase == "cancelled" && order.paymentState == "cancelled" { visits.note(Moment.authorizationVoided) }
        }
        for order in books.orders.values {
            for edge in SagaEdges.path(of: order) { visits.note(SagaEdges.moment(edge)) }
            if order.redrives > 0 { visits.note(Moment.redrive) }
        }
        let audit = Audit(
            books: books, intents: shop.gateway.intents, customers: ledger.all, mails: shop.mails.all, deadLetters: letters,
            backlog: shop.backlog, origins: shop.origins, route: { shop.broker.queues(for: $0, $1) })
        return Report(
            seed: plan.seed, violations: audit.violations, hash: trace.hash, traceLines: trace.lines, steps: scheduler.steps,
            crashPoints: shop.faults.crashPoints, seconds: Double(shop.clock.elapsed) / 1e6, orders: books.orders.count,
            confirmed: books.orders.values.count { $0.phase == "confirmed" }, deadLetters: letters.count, visits: visits)
    }
}

extension Audit.DeadLetter {
    private struct AboutOrder: Decodable {
        let orderID: UUID
    }

    private struct AboutPayment: Decodable {
        struct Data: Decodable {
            struct Object: Decodable {
                let id: String
                let intent: String?

                private enum CodingKeys: String, CodingKey {
                    case id
                    case intent = "payment_intent"
                }
            }

            let object: Object
        }

        let data: Data
    }

    private struct AboutPayPal: Decodable {
        struct Resource: Decodable {
            let id: String
            let order: String?

            private enum CodingKeys: String, CodingKey {
                case id
                case order = "order_id"
            }
        }

        let resource: Resource
    }

    fileprivate init(_ letter: Publication) {
        func header(_ own: String, _ brokers: String) -> String? {
            letter.properties.headers[own]?.string ?? letter.properties.headers[brokers]?.string
        }
        self.init(
            id: letter.properties.messageID.flatMap(UUID.init(uuidString:)), cause: header("cause", "x-first-death-reason") ?? "unknown",
            origin: header("origin", "x-first-death-queue") ?? letter.routingKey,
            order: (try? JSON.decode(AboutOrder.self, from: letter.body))?.orderID,
            intent: (try? JSON.decode(AboutPayment.self, from: letter.body)).map { $0.data.object.intent ?? $0.data.object.id }
                ?? (try? JSON.decode(AboutPayPal.self, from: letter.body)).map { $0.resource.order ?? $0.resource.id })
    }
}
