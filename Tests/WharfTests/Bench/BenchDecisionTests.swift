import FoundationEssentials
import Logging
import Testing

@testable import Bench
@testable import Operations

@Suite struct BenchDecisionTests {
    private func record(_ figures: [BenchFigure: [Double]]) -> BenchRecord {
        let plan = BenchPlan(cases: Set(BenchCase.allCases), rounds: 3, orders: 5_000, isQuick: false)
        let machine = BenchRecord.Machine(processors: 2, model: "a <fast> one", memoryBytes: 0, kernel: "")
        var record = BenchRecord(startedAt: Date(timeIntervalSince1970: 0), plan: plan, machine: machine)
        for (figure, values) in figures {
            for value in values { record.figures[figure, default: Samples()].add(value) }
        }
        record.rows = Goals.rows(record)
        return record
    }

    @Test func `the median of an even number of samples lies between the two in the middle`() {
        var samples = Samples()
        #expect(samples.median == nil)
        for value in [4.0, 1, 3, 2] { samples.add(value) }
        #expect(samples.median == 2.5)
        #expect(samples.minimum == 1 && samples.maximum == 4)
    }

    @Test func `a percentile of no requests is zero, of one request that one`() {
        #expect(Latencies([]).percentile(0.5) == 0)
        #expect(Latencies([.milliseconds(7)]).percentile(0.99) == 7)
        #expect(Latencies((1...100).map { .milliseconds($0) }).percentile(0.99) == 100)
    }

    @Test func `a pause counts from the beginning to the end, and nothing before or after`() {
        let pauses = Pauses()
        let start = ContinuousClock.now
        pauses.accepted(at: start)
        pauses.begin(at: start + .seconds(1))
        for second in [2, 4, 5] { pauses.accepted(at: start + .seconds(second)) }
        pauses.accepted(at: start + .seconds(5) + Pauses.tolerated)
        let found = pauses.end(at: start + .seconds(8))
        #expect(found.longest == .seconds(3) - Pauses.tolerated && found.orders == 4 && found.long == 4)
        pauses.accepted(at: start + .seconds(20))
        pauses.begin(at: start + .seconds(30))
        let next = pauses.end(at: start + .seconds(31))
        #expect(next.longest == .seconds(1) && next.orders == 0 && next.long == 1)
    }

    @Test func `a pause during maintenance is reported with the pause without it`() throws {
        let row = try #require(record([.pauseInVacuum: [300], .pauseWithoutVacuum: [200], .lockInVacuum: [4]]).rows.first)
        #expect(!row.isMet && row.ratio == 300 && row.remark == "1.5 × the 200 ms without it, 4 ms waiting for locked tables")
        #expect(try #require(record([.pauseInDrop: [99]]).rows.first).isMet)
    }

    @Test func `by default, the inboxes get the rows of a week of the year's orders`() {
        var plan = BenchPlan(cases: [.growth], rounds: 1, orders: 100, isQuick: false, grown: 365_000)
        #expect(plan.grownInboxRows == 7_000 * GrownInboxes.rowsPerOrder)
        plan.grownInbox = 5_000_000
        #expect(plan.grownInboxRows == 5_000_000)
    }

    @Test func `medians are compared, and less is better where the goal says so`() throws {
        let rows = record([
            .checkouts: [100, 300, 200], .oneByOne: [50, 150, 100], .single: [20], .durableSteps: [5],
        ]).rows
        let checkouts = try #require(rows.first { $0.name == "checkouts" })
        #expect(checkouts.ratio == 2 && checkouts.isMet && checkouts.fulfilment == 1)
        let single = try #require(rows.first { $0.name == "single.p50" })
        #expect(!single.isMet)
        #expect(abs(single.fulfilment - 0.5) < 0.001)
    }

    @Test func `a case whose limit was not measured has no row`() {
        #expect(record([.checkouts: [100]]).rows.isEmpty)
    }

    @Test func `workers need not scale on a machine that the shop has saturated, but must on one that others have`() throws {
        let full: [BenchFigure: [Double]] = [.scale1: [100], .scale2: [110], .scaleBusy2: [0.97]]
        let excused = try #require(record(full.merging([.foreign: [0.01]]) { $1 }).rows.first)
        #expect(excused.isMet && excused.remark.contains("full"))
        let disturbed = try #require(record(full.merging([.foreign: [0.4]]) { $1 }).rows.first)
        #expect(!disturbed.isMet)
    }

    @Test func `pgbench's rate counts only when all orders were placed`() throws {
        let printed = ["number of transactions actually processed: 80/80", "tps = 312.5 (without initial connection time)"]
        #expect(try OneByOne.rate(printed, orders: 80) == 312.5)
        #expect(throws: BenchError.self) { try OneByOne.rate(printed, orders: 81) }
        #expect(throws: BenchError.self) { try OneByOne.rate([], orders: 80) }
    }

    @Test func `the C program's figures are read, and nothing else`() throws {
        let measured = try PrintedFigures(["Running", "rate 3100.5 p50 0.2700 p99 0.4100"])
        #expect(measured.rate == 3100.5 && measured.median == 0.27 && measured.p99 == 0.41)
        #expect(throws: BenchError.self) { try PrintedFigures(["raw: cannot connect"]) }
    }

    @Test func `what the peer's load generator prints is read, and nothing that went wrong`() throws {
        let orders = try PeerFigures([#"{"command":"checkout","orders_per_s":9.0,"by_history":{"orders_per_s":212.5,"n":100,"p50_ms":15.2,"p99_ms":30.0}}"#])
        #expect(orders.rate == 212.5 && orders.median == 15.2)
        let reads = try PeerFigures([#"{"command":"read","req_per_s":1280.0,"p50_ms":49.1,"p99_ms":80.0,"failed":0}"#])
        #expect(reads.rate == 1280 && reads.median == 49.1)
        #expect(throws: BenchError.self) { try PeerFigures([#"{"req_per_s":1.0,"p50_ms":1.0,"failed":3}"#]) }
        #expect(throws: BenchError.self) { try PeerFigures([#"{"by_history":{"orders_per_s":1.0,"p50_ms":1.0},"WRONG":"not every order was confirmed"}"#]) }
    }

    /// As the worker of a traced shop writes it.
    private static func logged(_ message: String, _ metadata: [String: String]) -> Substring {
        let record = LogRecord(at: Date(), level: .trace, label: "test", message: message, metadata: metadata.mapValues { .string($0) })
        return Substring(decoding: ECSLayout(service: "worker").line(for: record), as: UTF8.self)
    }

    @Test func `a waterfall averages the steps of orders and knows what each followed from`() throws {
        func line(_ operation: String, _ order: String, _ taken: Int, _ handled: Int, event: String = "") throws -> TraceLine {
            var metadata: [String: String] = ["operation": operation, "order": order, "taken": "\(taken)", "handled": "\(handled)", "confirmed": "\(handled + 1000)"]
            if !event.isEmpty { metadata["order.event"] = event }
            return try #require(TraceLine(Self.logged("way", metadata)))
        }
        #expect(TraceLine(Self.logged("handled", [:])) == nil && TraceLine(Self.logged("way", [:])) == nil && TraceLine("way") == nil)
        let orders = [TracedOrder(id: "a", sent: 1_000_000, answered: 1_030_000), TracedOrder(id: "b", sent: 2_000_000, answered: 2_010_000)]
        let waterfall = Waterfall(
            orders,
            [
                try line("carts.checkouts.create", "a", 1_002_000, 1_006_000), try line("carts.checkouts.create", "b", 2_004_000, 2_008_000),
                try line("orders.checkouts.place", "a", 1_008_000, 1_009_000), try line("orders.checkouts.place", "b", 2_010_000, 2_011_000),
            ])
        #expect(waterfall.turns == 2 && waterfall.answered == 20)
        #expect(waterfall.rows.map(\.step) == ["carts.checkouts.create", "orders.checkouts.place"])
        #expect(waterfall.rows.map(\.sent) == [0, 7] && waterfall.rows.map(\.taken) == [3, 9] && waterfall.rows.map(\.handled) == [7, 10])
    }

    @Test func `processor time below a process is its own, its children's and that of those who have ended`() {
        func stat(_ parent: Int, _ user: Int, _ ended: Int) -> String {
            "1 (a ) b) S \(parent) 0 0 0 0 0 0 0 0 0 \(user) 1 \(ended) 0 20 0"
        }
        let times = ProcessorTime(stats: [10: stat(1, 99, 100), 11: stat(10, 49, 0), 12: stat(11, 49, 0), 20: stat(1, 999, 0), 30: "broken"])
        #expect(times.seconds(below: 10) == times.seconds(of: 10) + times.seconds(of: 11) + times.seconds(of: 12))
        #expect(times.seconds(of: 10) == 4 * times.seconds(of: 11))
        #expect(times.seconds(below: 404) == 0)
    }

    @Test func `waiting for the disk is not being busy`() throws {
        let time = try #require(MachineTime(stat: "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3", ticksPerSecond: 100))
        #expect(time.total == 10 && time.busy == 1.5)
        #expect(MachineTime(stat: "intr 5", ticksPerSecond: 100) == nil)
    }

    @Test(arguments: [(312.4, "312"), (31.26, "31.3"), (3.0, "3"), (0.256, "0.26"), (-1.5, "-1.5"), (.infinity, "–")])
    func `numbers are written with their significant digits`(value: Double, text: String) {
        #expect(Figures.text(value) == text)
    }

    @Test func `an unknown case is an error that names it`() {
        #expect(throws: (any Error).self) { try BenchCase.parse("checkouts,chekouts") }
        #expect(throws: (any Error).self) { try BenchCase.parse("") }
        #expect((try? BenchCase.parse("slow-gateway,hot")) == [.slowGateway, .hot])
    }

    @Test func `the chart escapes what it is told and has a bar for each row`() {
        let svg = Chart(record: record([.ready: [9], .memoryUnderLoad: [48]])).svg
        #expect(svg.contains("a &lt;fast&gt; one"))
        #expect(svg.components(matching: "<rect ") == 2)
    }
}

extension String {
    fileprivate func components(matching text: String) -> Int { ranges(of: text).count }
}
