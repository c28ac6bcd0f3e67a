import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// What a comparison of books and gateway has found.
public struct ReconciliationReport: Sendable, Codable, Equatable {
    public let since: Date
    public let until: Date
    /// The number of Wharf's payments in the gateway's list.
    public internal(set) var payments = 0
    /// The number of attempts in the books.
    public internal(set) var attempts = 0
    public internal(set) var differences: [PaymentDifference] = []
    /// The number of differences that are not listed.
    public internal(set) var unlisted = 0

    public var isClean: Bool { differences.isEmpty && unlisted == 0 }
}

/// Compares the books of payments with a gateway's list. Reads both in the order of time, a page at a time, so that its memory does not grow with the shop.
/// Changes neither.
public struct Reconciliation: Sendable {
    /// The most attempts in memory at a time; the gateway's pages are smaller.
    static let pageSize = 500
    /// The most payments whose difference is checked twice and listed.
    public static let maximumListed = 1_000
    /// Pages of the gateway's list for one page of attempts: with more, the gateway has a hundred times what the books have.
    static let maximumPages = 500
    /// Payments younger than this many seconds are left out, because calls about them may be in progress, or be repeated once.
    static let settlingTime = 2 * Charging.callLease
    /// Before a difference counts, payments in flight have this long to arrive.
    static let secondLookDelay: Duration = .seconds(15)

    let gateway: any PaymentGateway
    let database: any Database
    let clock: any WallClock

    public init(gateway: any PaymentGateway, database: any Database, clock: any WallClock) {
        self.gateway = gateway
        self.database = database
        self.clock = clock
    }

    public var name: GatewayName { gateway.name }

    /// Compares payments made from `since` on.
    /// - Parameter onProgress: Called between calls to the gateway.
    /// - Returns: Nil for a gateway without a list of payments.
    /// - Throws: ``GatewayError``, or the database's error; then nothing is known.
    public func run(since: Date, onProgress: () async throws -> Void = {}) async throws -> ReconciliationReport? {
        let until = clock.now().addingTimeInterval(-Self.settlingTime).inWholeSeconds
        var report = ReconciliationReport(since: since.inWholeSeconds, until: max(until, since.inWholeSeconds))
        var suspects: [Suspect] = []
        var from = report.since
        var position: Store.Position?
        var isLast = false
        repeat {
            let page = try await books(after: position, in: report.since..<report.until)
            isLast = page.count < Self.pageSize
            position = page.last.map { Store.Position(at: $0.createdAt, order: $0.order) }
            report.attempts += page.count
            // The list's times are whole seconds.
            let to = isLast ? report.until : max(from, page.last?.createdAt.inWholeSeconds ?? from)
            var unseen = Dictionary(page.map { ($0.order, $0) }, uniquingKeysWith: { first, _ in first })
            guard try await compare(from..<to, &unseen, &report, &suspects, onProgress) else { return nil }
            // Created in a different second than its attempt, or missing.
            for attempt in unseen.values where attempt.intent != nil || attempt.captured > 0 {
                try await onProgress()
                let payment = try await attempt.intent.asyncFlatMap { try await gateway.retrieve(intent: $0) }
                note(attempt, payment, isUnclaimed: false, &report, &suspects)
            }
            from = to
        } while !isLast
        try await confirm(suspects, &report, onProgress)
        return report
    }

    /// A payment that differs at first sight.
    private struct Suspect {
        let order: UUID?
        let intent: String?
    }

    /// Compares the gateway's payments of a period, and takes the attempts that they belong to out of `unseen`. Returns false without a list.
    private func compare(
        _ period: Range<Date>, _ unseen: inout [UUID: Attempt], _ report: inout ReconciliationReport, _ suspects: inout [Suspect],
        _ onProgress: () async throws -> Void
    ) async throws -> Bool {
        guard !period.isEmpty else { return true }
        var position: String?
        for _ in 0..<Self.maximumPages {
            try await onProgress()
            guard let page = try await gateway.payments(madeIn: period, after: position) else { return false }
            let own = page.payments.filter { $0.order != nil }
            report.payments += own.count
            let missing = own.compactMap(\.order).filter { unseen[$0] == nil }
            let (others, unclaimed) = try await database.withConnection { connection in
                (try await Store.find(missing, on: connection), try await UnclaimedPayment.known(own.compactMap(\.status.intent), on: connection))
            }
            for payment in own {
                guard let order = payment.order, let intent = payment.status.intent else { continue }
                let attempt = unseen[order] ?? others[order]
                note(attempt, payment, isUnclaimed: unclaimed.contains(intent), &report, &suspects)
                if attempt?.intent == intent { unseen[order] = nil }
            }
            guard let next = page.next else { return true }
            position = next
        }
        throw GatewayError.unknown("\(gateway.name.rawValue) lists more than \(Self.maximumPages) pages for \(Self.pageSize) payments of the books")
    }

    private func note(
        _ attempt: Attempt?, _ payment: GatewayPayment?, isUnclaimed: Bool, _ report: inout ReconciliationReport, _ suspects: inout [Suspect]
    ) {
        guard !Comparison.differences(attempt, payment, isUnclaimed: isUnclaimed).isEmpty else { return }
        guard suspects.count < Self.maximumListed else { return report.unlisted += 1 }
        suspects.append(Suspect(order: attempt?.order ?? payment?.order, intent: payment?.status.intent ?? attempt?.intent))
    }

    /// Checks each suspect once more after a while, because what was in flight has arrived by then.
    private func confirm(_ suspects: [Suspect], _ report: inout ReconciliationReport, _ onProgress: () async throws -> Void) async throws {
        guard !suspects.isEmpty else { return }
        try await clock.sleep(for: Self.secondLookDelay)
        for suspect in suspects {
            try await onProgress()
            let payment = try await suspect.intent.asyncFlatMap { try await gateway.retrieve(intent: $0) }
            let (attempt, unclaimed) = try await database.withConnection { connection in
                let intents = [suspect.intent].compactMap(\.self)
                let attempts = try await Store.find([suspect.order].compactMap(\.self), on: connection)
                return (attempts.values.first, try await UnclaimedPayment.known(intents, on: connection))
            }
            report.differences += Comparison.differences(attempt, payment, isUnclaimed: !unclaimed.isEmpty)
        }
    }

    private func books(after position: Store.Position?, in period: Range<Date>) async throws -> [Attempt] {
        try await database.withConnection {
            try await Store.page(of: gateway.name, after: position, in: period, limit: Self.pageSize, on: $0)
        }
    }
}

extension Date {
    fileprivate var inWholeSeconds: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncFlatMap<Result>(_ transform: (Wrapped) async throws -> Result?) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
