import FoundationEssentials
import JSON
import Operations

/// What one batch's line in a worker's log says of one message, at trace level: when it came to each part of its way.
struct TraceLine: Sendable, Equatable {
    /// `payments.charge`, and the event that it reports, if it does: `orders.checkouts.advance charged`.
    let step: String
    /// Nil for a message that is about no order.
    let order: String?
    /// Microseconds since 1970 (UTC).
    let taken: Int
    let handled: Int
    let confirmed: Int
    /// Within it: the end of a first transaction, and of what was done outside.
    let intended: Int?
    let acted: Int?

    /// Nil for any other line of a log.
    init?(_ line: Substring) {
        guard line.contains("\"message\":\"way\""), let read = try? JSON.decode([String: JSONValue].self, from: Array(line.utf8)) else { return nil }
        func text(_ key: String) -> String? {
            if case .string(let text)? = read[LogField(key: key).name] { text } else { nil }
        }
        func time(_ key: String) -> Int? { text(key).flatMap { Int($0) } }
        guard let operation = text("operation"), let taken = time("taken"), let handled = time("handled"), let confirmed = time("confirmed") else { return nil }
        step = text("order.event").map { "\(operation) \($0)" } ?? operation
        order = text("order")
        (self.taken, self.handled, self.confirmed) = (taken, handled, confirmed)
        (intended, acted) = (time("intended"), time("acted"))
    }
}

/// An order as its customer saw it, in microseconds since 1970 (UTC).
struct TracedOrder: Sendable {
    let id: String
    let sent: Int
    let answered: Int
}

/// The way of an order through the services, averaged over many that were placed one after the other.
struct Waterfall: Sendable, Codable, Equatable {
    /// All times are milliseconds after the checkout was sent.
    struct Row: Sendable, Codable, Equatable {
        let step: String
        /// The message before it was committed: what is between this and `taken` is publishing, the broker, the wake-up.
        let sent: Double
        let taken: Double
        let intended: Double?
        let acted: Double?
        let handled: Double
        let confirmed: Double
    }

    /// In the order of time.
    let rows: [Row]
    /// When the customer had the answer that says that the order is confirmed.
    let answered: Double
    /// Batches that were handled for each order by operation, those of queries among them.
    let turnsByOperation: [String: Double]
    var turns: Double { turnsByOperation.values.reduce(0, +) }

    /// What follows from what.
    private static let causes = [
        "orders.checkouts.place": "carts.checkouts.create", "catalog.stock.reserve": "orders.checkouts.place",
        "payments.charge": "catalog.stock.reserve", "orders.checkouts.advance charged": "payments.charge", "catalog.stock.sell": "payments.charge",
    ]

    /// - Parameter lines: of all workers, from the first of these orders to the last.
    init(_ orders: [TracedOrder], _ lines: [TraceLine]) {
        let count = Double(max(1, orders.count))
        turnsByOperation = Dictionary(grouping: lines, by: \.step).mapValues { Double($0.count) / count }
        answered = Self.mean(orders.map { Double($0.answered - $0.sent) / 1000 })
        let sentAt = Dictionary(orders.map { ($0.id, $0.sent) }, uniquingKeysWith: { first, _ in first })
        var byStep: [String: [(line: TraceLine, start: Int)]] = [:]
        for line in lines {
            guard let order = line.order, let start = sentAt[order] else { continue }
            byStep[line.step, default: []].append((line, start))
        }
        func mean(_ entries: [(line: TraceLine, start: Int)], _ time: (TraceLine) -> Int?) -> Double? {
            let times = entries.compactMap { entry in time(entry.line).map { Double($0 - entry.start) / 1000 } }
            return times.isEmpty ? nil : Self.mean(times)
        }
        var rows: [Row] = []
        for (step, entries) in byStep {
            guard let taken = mean(entries, \.taken), let handled = mean(entries, \.handled), let confirmed = mean(entries, \.confirmed) else { continue }
            let cause = Self.causes[step].flatMap { byStep[$0] }.flatMap { mean($0, \.handled) }
            rows.append(
                Row(
                    step: step, sent: cause ?? (step == "carts.checkouts.create" ? 0 : taken), taken: taken, intended: mean(entries, \.intended),
                    acted: mean(entries, \.acted), handled: handled, confirmed: confirmed))
        }
        self.rows = rows.sorted { $0.taken < $1.taken }
    }

    private static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
}
