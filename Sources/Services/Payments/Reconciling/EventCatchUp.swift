import Contracts
import FoundationEssentials
import Instruments
import Logging
import Messaging
import Metrics
import PostgreSQL
import Runtime
import Secrets
import ServiceLifecycle

/// Reads the gateway's list of events every few minutes, and hands over those whose webhooks have not arrived, so an ingress that could not be reached for an hour
/// loses nothing. The position is in the database, and advances once the events before it are in the queue.
public final class EventCatchUp: Service {
    /// Seconds between two turns, which all processes share.
    static let interval = 180.0
    /// How often a process checks whether a turn is due.
    static let look: Duration = .seconds(60)
    /// The minimum age of an event, in seconds; younger events are left to their webhooks.
    static let webhookTime = 60.0
    /// How far back the first turn begins, in seconds: gateways repeat webhooks for at least a day.
    static let firstReach = 86_400.0
    /// The most pages of one turn: at a hundred events each, more than happen from one turn to the next. The next turn continues.
    static let maximumPages = 200

    private static let namespace = UUID(uuid: (0x6d, 0x15, 0x0e, 0x5b, 0x02, 0x5c, 0x4f, 0x4d, 0x9a, 0x77, 0x2b, 0x8f, 0x57, 0x3c, 0x19, 0xe4))

    private let gateway: any PaymentGateway
    private let database: any Database
    private let clock: any WallClock
    private let logger: Logger
    /// Sends requests to the service's own queue; returns whether the broker has confirmed all of them.
    private let send: @Sendable ([Request]) async -> Bool
    private let work: PeriodicWork
    private let caughtUp: Counter

    public init(
        gateway: any PaymentGateway, database: any Database, clock: any WallClock, logger: Logger, send: @escaping @Sendable ([Request]) async -> Bool
    ) {
        self.gateway = gateway
        self.database = database
        self.clock = clock
        self.logger = logger
        self.send = send
        work = PeriodicWork(name: "events of \(gateway.name.rawValue)", interval: Self.interval)
        caughtUp = Instrument.eventsCaughtUp.counter(gateway.name.rawValue)
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                do {
                    try await self.catchUpIfDue()
                } catch is CancellationError {
                    return
                } catch {
                    self.logger.warning("could not read the gateway's events; it will be tried again", metadata: ["error": "\(error)"])
                }
                try await self.clock.sleep(for: Self.look)
            }
        }
    }

    func catchUpIfDue() async throws {
        guard var turn = try await work.take(at: clock.now(), on: database) else { return }
        let count = try await catchUp(&turn)
        try await work.end(of: turn, at: clock.now(), on: database)
        guard count > 0 else { return }
        caughtUp.increment(by: count)
        logger.notice("events whose webhooks had not arrived were caught up", metadata: ["gateway": "\(gateway.name.rawValue)", "events": "\(count)"])
    }

    /// Returns how many events were handed over.
    private func catchUp(_ turn: inout PeriodicWork.Turn) async throws -> Int {
        var start = turn.position.map(EventStart.after) ?? .since(clock.now().addingTimeInterval(-Self.firstReach))
        var count = 0
        for _ in 0..<Self.maximumPages {
            guard let page = try await page(&start, &turn) else { return 0 }
            let latest = clock.now().addingTimeInterval(-Self.webhookTime)
            let due = Array(page.entries.prefix { $0.at <= latest })
            let missed = try await missed(due)
            if !missed.isEmpty, await !send(missed.map(request)) {
                throw Failure("not-sent", "the broker has not confirmed \(missed.count) events", remedy: .retry)
            }
            count += missed.count
            guard let last = due.last else { break }
            try await work.note(last.event.id, of: &turn, at: clock.now(), on: database)
            guard page.hasMore, due.count == page.entries.count else { break }
            start = .after(last.event.id)
        }
        return count
    }

    /// A gateway forgets old events: the list is then read by time, from before the last turn.
    private func page(_ start: inout EventStart, _ turn: inout PeriodicWork.Turn) async throws -> GatewayEventPage? {
        do throws(GatewayError) {
            return try await events(from: start, &turn)
        } catch {
            guard case .refused = error, case .after = start else { throw error }
            start = .since((turn.doneAt ?? clock.now()).addingTimeInterval(-Self.firstReach))
            return try await events(from: start, &turn)
        }
    }

    /// Finding the oldest event may take many calls, so the lease is renewed between them.
    private func events(from start: EventStart, _ turn: inout PeriodicWork.Turn) async throws(GatewayError) -> GatewayEventPage? {
        try await gateway.events(from: start) { () async throws(GatewayError) in
            do {
                try await work.note(of: &turn, at: clock.now(), on: database)
            } catch {
                throw .unknown("the turn could not be kept: \(error)")
            }
        }
    }

    /// The events that may still be new.
    private func missed(_ entries: [GatewayEventPage.Entry]) async throws -> [GatewayEventPage.Entry] {
        guard !entries.isEmpty else { return [] }
        let now = clock.now()
        let plans = try await database.withConnection { try await Webhooks.plans(entries.map(\.event), of: gateway.name, now: now, on: $0) }
        return zip(entries, plans).compactMap { entry, plan in
            if case .ask = plan { entry } else { nil }
        }
    }

    private func request(_ entry: GatewayEventPage.Entry) -> Request {
        // The same event always has the same id, however often it is found.
        Request(
            id: UUID.v5(namespace: Self.namespace, name: "\(gateway.name.rawValue) \(entry.event.id)"), operation: Webhooks.operation(of: gateway.name),
            body: entry.body)
    }
}
