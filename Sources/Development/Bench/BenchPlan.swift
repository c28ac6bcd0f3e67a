/// How much is measured.
struct BenchPlan: Sendable, Codable {
    static let roundCounts = 1...20
    static let orderCounts = 100...100_000
    static let grownCounts = 10_000...10_000_000
    static let grownInboxCounts = 1_000...100_000_000
    /// The numbers of orders and rows for which the goals are stated.
    static let clients = 64
    static let inFlight = 5_000
    static let scaleSteps = [1, 2, 4, 8]
    /// The share of one processor for each worker, such that all workers of a pool use less than servers and clients leave.
    static let scaleShare = 0.02
    static let ingressSteps = [1, 2, 4]
    /// The share of one processor for each ingress process: some 500 reads a second.
    static let ingressShare = 0.05
    /// For each ingress process.
    static let ingressClients = 16
    /// The one-way delays between roles and servers, in milliseconds.
    static let distances = [0, 1]
    /// On the few cores of one machine a second worker only makes batches smaller; the effect of more workers is a case of its own.
    static let workers = 1

    let cases: Set<BenchCase>
    let rounds: Int
    /// Checkouts of one measurement.
    let orders: Int
    /// Whether checking that everything works matters more than the figures.
    let isQuick: Bool
    /// Orders that fill the tables for the case growth; quick runs have fewer.
    var grown = 1_000_000
    /// Rows that fill the inboxes for the case growth; nil for as many as a week leaves at ``grown`` orders a year.
    var grownInbox: Int?

    /// Before anything counts: caches fill, and limit A learns what rows look like.
    var warmUpOrders: Int { isQuick ? 150 : 500 }
    var singleOrders: Int { isQuick ? 30 : 200 }
    var peerSingleOrders: Int { isQuick ? 20 : 100 }
    var peerOrders: Int { isQuick ? 200 : min(orders, 2_000) }
    /// Seconds for which clients send requests.
    var requestSeconds: Int { isQuick ? 1 : 4 }
    /// Requests that determine the rate that is then tripled for the overload.
    var capacityReads: Int { isQuick ? 2_000 : 20_000 }
    /// For each worker of a pool.
    var scaleOrders: Int { isQuick ? 100 : max(100, orders / 4) }
    var grownOrders: Int { isQuick ? min(20_000, grown) : grown }
    /// An inbox keeps its rows for a week.
    var grownInboxRows: Int {
        let rows = grownInbox ?? grown * GrownInboxes.rowsPerOrder * 7 / 365
        return isQuick ? min(20_000, rows) : rows
    }
    var backlogOrders: Int { isQuick ? 2_000 : 100_000 }
    /// The number of products in the catalogue that is imported and searched.
    var products: Int { isQuick ? 5_000 : 100_000 }
    /// The number of types that are searched for with a wrong letter.
    var misspeltTypes: Int { isQuick ? 50 : 500 }
    /// Dead letters that an operator searches.
    var letters: Int { isQuick ? 100_000 : 1_000_000 }
    /// Dead letters that are published and stored.
    var ingestedLetters: Int { isQuick ? 5_000 : 50_000 }
    /// Requests of each kind for dead letters.
    var letterReads: Int { isQuick ? 60 : 200 }
    /// Seconds of overload.
    var overloadSeconds: Double { isQuick ? 10 : 60 }
    /// Orders that each client of limit A places, by the number of clients.
    var oneByOne: [(clients: Int, each: Int)] { isQuick ? [(1, 100), (8, 25), (32, 10)] : [(1, 600), (8, 200), (32, 100)] }
    /// Messages of the broker's limits, by window.
    var requests: [(window: Int, count: Int)] {
        [(1, 3_000), (16, 12_000), (64, 20_000), (128, 20_000)].map { ($0.0, isQuick ? $0.1 / 10 : $0.1) }
    }
    var confirms: [(window: Int, count: Int)] { [(1, 3_000), (200, 30_000)].map { ($0.0, isQuick ? $0.1 / 10 : $0.1) } }

    func wants(_ wanted: BenchCase...) -> Bool { wanted.contains { cases.contains($0) } }

    /// Whether a case is reported as a ratio of PostgreSQL's limit.
    var needsOneByOne: Bool { wants(.checkouts) }
    /// Whether a case is reported as a ratio of the broker's limits.
    var needsBroker: Bool { wants(.single, .product, .item) }
    /// Whether a case is reported as a ratio of the durable steps of an order.
    var needsSteps: Bool { wants(.single, .trace) }
    /// Whether a case is reported as a ratio of the checkouts.
    var needsCheckouts: Bool { wants(.checkouts, .slowGateway, .hot, .growth, .backlog, .overload) || wants(.memory) }
}
