import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

extension Schema {
    static let reservationSweep = Migration(
        id: "sweep of reservations",
        sql: """
            -- The page of `reservations` at which the sweep continues. One row; the worker that has locked it sweeps.
            CREATE TABLE reservation_sweep (page bigint NOT NULL);
            INSERT INTO reservation_sweep (page) VALUES (0);
            """)
}

/// Reports stock that has been reserved for longer than a checkout lasts to orders, which has it released, or sold, if the order has ended. Only a loss outside
/// Wharf, such as a database restored from a backup, leaves such a reservation: the saga itself repeats each step until it is answered.
extension Reserving {
    /// Four times as long as a checkout takes. An order that lives longer waits for its gateway, and then ends by itself.
    static let leftBehindAfter: TimeInterval = 3_600
    static let sweepInterval: Duration = .seconds(300)
    /// Pages of 8 KiB. The sweep reads part of the table at a time, because maintaining an index of open reservations would cost each order more than the sweep.
    static let sweptPages = 5_000
    /// More than the rows of a page, so that the sweep gets past each page.
    static let sweptAtOnce = 300

    func findLeftBehind(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let state = try await transaction.query(
            "SELECT page, pg_relation_size('reservations') / current_setting('block_size')::bigint AS pages FROM reservation_sweep FOR UPDATE SKIP LOCKED")
        guard let row = state.first else { return [] }
        let (known, pages): (Int, Int) = (try row.decode("page"), try row.decode("pages"))
        let page = known < pages ? known : 0
        let now = clock.now()
        let found = try await transaction.query(
            """
            SELECT order_id, ltrim(split_part(ctid::text, ',', 1), '(')::bigint AS page FROM reservations
            WHERE ctid >= \("(\(page),0)")::text::tid AND ctid < \("(\(page + Self.sweptPages),0)")::text::tid
              AND state = 'reserved' AND at < \(now.addingTimeInterval(-Self.leftBehindAfter))
            ORDER BY ctid LIMIT \(Self.sweptAtOnce)
            """)
        let next = found.count < Self.sweptAtOnce ? page + Self.sweptPages : try found.last?.decode("page") ?? page
        try await transaction.execute("UPDATE reservation_sweep SET page = \(next)")
        // Each order is asked about once in this time, however often the sweep runs.
        let turn = (now.timeIntervalSince1970 / Self.leftBehindAfter).rounded(.down)
        return try found.map { row in
            let order: UUID = try row.decode("order_id")
            return try OutgoingMessage(
                .request(MessageName.advance), CheckoutEvent(orderID: order, kind: .stockReserved), origin: UUID.v5(namespace: order, name: "still reserved \(turn)"))
        }
    }
}
