/// The goals compared with the measured figures: the decision only.
enum Goals {
    /// From this share of busy processors on the machine counts as full.
    static let fullMachine = 0.9
    /// With more than this share of the processors taken by other processes, the figures are too low for any comparison.
    static let toleratedForeign = 0.05

    /// One row for each goal that has figures.
    static func rows(_ record: BenchRecord) -> [BenchRow] {
        [
            checkouts(record), single(record), peer(record), product(record), item(record), scaling(record), growth(record), overload(record), catalog(record), signIns(record), deadLetters(record),
            memory(record),
            ready(record),
        ]
        .flatMap(\.self)
    }

    private static func checkouts(_ record: BenchRecord) -> [BenchRow] {
        [
            over(record, .checkouts, "checkouts, 64 clients", "orders/s", .oneByOne, "A", .atLeast, 2),
            alone(record, .orderProcessor, "processors for one order", "ms", .atMost, 2),
            over(record, .slowGateway, "checkouts, gateway takes 200 ms", "orders/s", .checkouts, "checkouts", .atLeast, 0.9),
            over(record, .hot, "checkouts, all with the best-seller", "orders/s", .checkouts, "checkouts", .atLeast, 0.8),
        ].compactMap(\.self)
    }

    private static func single(_ record: BenchRecord) -> [BenchRow] {
        [
            over(record, .single, "one checkout at a time, p50", "ms", .durableSteps, "D", .atMost, 2),
            alone(record, .orderMessages, "messages of one order", "", .atMost, 8),
            alone(record, .orderTurns, "turns of one order", "", .atMost, 7),
            alone(record, .orderWrites, "write transactions of one order", "", .atMost, 8),
        ].compactMap(\.self)
    }

    /// By the ratio of each pair.
    private static func peer(_ record: BenchRecord) -> [BenchRow] {
        [
            alone(record, .peerSingleRatio, "one order alone, p50, against the peer", "×", .atMost, 0.8),
            alone(record, .peerCheckoutsRatio, "checkouts, 64 clients, against the peer", "×", .atLeast, 5),
            alone(record, .peerFlowRatio, "the whole flow with carts, against the peer", "×", .atLeast, 5),
            alone(record, .peerReadsRatio, "GET product, 64 clients, against the peer", "×", .atLeast, 10),
        ].compactMap(\.self)
    }

    private static func product(_ record: BenchRecord) -> [BenchRow] {
        [
            over(record, .product, "GET product, 64 clients", "requests/s", .request64, "B64", .atLeast, 0.5),
            over(record, .productMedian, "GET product, 1 client, p50", "ms", .requestMedian, "B1 p50", .atMost, 2.5),
        ].compactMap(\.self)
    }

    private static func item(_ record: BenchRecord) -> [BenchRow] {
        [over(record, .item, "PUT cart item, 64 clients", "requests/s", .request64, "B64", .atLeast, 0.2)]
            .compactMap(\.self)
    }

    private static func scaling(_ record: BenchRecord) -> [BenchRow] {
        linear(record, BenchPlan.scaleSteps, BenchFigure.scale, "workers a pool, per process", "orders/s", "1 worker")
            + linear(record, BenchPlan.ingressSteps, BenchFigure.ingressScale, "ingress processes, per process", "requests/s", "1 process")
    }

    /// Linear, until the machine is full.
    private static func linear(
        _ record: BenchRecord, _ steps: [Int], _ figures: (Int) -> (rate: BenchFigure, busy: BenchFigure)?, _ title: String, _ unit: String, _ name: String
    ) -> [BenchRow] {
        guard let one = figures(1).flatMap({ record.median($0.rate) }) else { return [] }
        return steps.dropFirst().compactMap { count in
            guard let (figure, busyFigure) = figures(count), let samples = record.figures[figure], let rate = samples.median, let busy = record.median(busyFigure) else { return nil }
            let foreign = record.median(.foreign) ?? 0
            // A machine that other processes fill proves nothing about the shop.
            let isFull = busy >= fullMachine && foreign <= toleratedForeign
            let others = foreign > toleratedForeign ? ", \(percent(foreign)) by others" : ""
            let share = "processors \(percent(busy)) busy\(others)"
            return BenchRow(
                figure.rawValue, "\(count) \(title)", unit, samples, limit: (name, one), ratio: rate / Double(count) / one, .atLeast, 0.9,
                excuse: isFull ? "full" : nil, remark: share)
        }
    }

    private static func growth(_ record: BenchRecord) -> [BenchRow] {
        [
            over(record, .growth, "checkouts over large tables", "orders/s", .checkouts, "checkouts", .atLeast, 0.9),
            over(record, .growthProcessor, "processors for one order over large tables", "ms", .orderProcessor, "an order before", .atMost, 1.1),
            // Reported next to it, because it flatters: checkouts gathered in the broker cost no HTTP while the clock ran.
            over(
                record, .backlog, "checkouts over a large backlog", "orders/s", .checkouts, "checkouts", .atLeast, 0.9,
                remark: "from the broker, without HTTP"),
            pause(record, .vacuum, "pause of checkouts over large tables during VACUUM"),
            pause(record, .drop, "pause of checkouts while days of the inboxes are dropped"),
            pause(record, .audit, "pause of checkouts over large tables during wharf audit"),
        ].compactMap(\.self)
    }

    /// On a busy machine, checkouts also pause without the maintenance. So the remark states that pause, and how long workers waited for locked tables.
    private static func pause(_ record: BenchRecord, _ work: BenchFigure.Maintenance, _ title: String) -> BenchRow? {
        let figures = work.figures
        guard let samples = record.figures[figures.pause], let median = samples.median else { return nil }
        var remarks: [String] = []
        if let without = record.median(figures.without), without > 0 { remarks.append("\(Figures.text(median / without)) × the \(Figures.text(without)) ms without it") }
        if let lock = record.median(figures.lock) { remarks.append("\(Figures.text(lock)) ms waiting for locked tables") }
        return BenchRow(
            figures.pause.rawValue, title, "ms", samples, ratio: median, .atMost, Pauses.tolerated.milliseconds, remark: remarks.joined(separator: ", "))
    }

    /// Deadlines are those of `topology/openapi.yaml`; a refusal is only useful when it is fast.
    private static func overload(_ record: BenchRecord) -> [BenchRow] {
        [
            over(record, .overload, "checkouts, 3 × too many", "orders/s", .checkouts, "checkouts", .atLeast, 0.9),
            alone(record, .overloadLatency, "accepted of 3 × too many, p99", "ms", .atMost, 10_000),
            alone(record, .overloadRefusal, "refused of 3 × too many, p99", "ms", .atMost, 500),
            over(record, .overloadProduct, "GET product, 3 × too many", "requests/s", .productCapacity, "capacity", .atLeast, 0.9),
            alone(record, .overloadProductLatency, "answered of 3 × too many products, p99", "ms", .atMost, 5_000),
            alone(record, .overloadMemory, "ingress, 3 × too much", "MB", .atMost, 200),
        ].compactMap(\.self)
    }

    private static func catalog(_ record: BenchRecord) -> [BenchRow] {
        [
            alone(record, .importRate, "import of products", "rows/s", .atLeast, 20_000),
            over(record, .readDuringImport, "GET product during an import, p99", "ms", .readAtRest, "at rest", .atMost, 2),
            alone(record, .searchMedian, "search in 100,000 products, p50", "ms", .atMost, 15),
            alone(record, .searchTail, "search in 100,000 products, p99", "ms", .atMost, 80),
            alone(record, .suggestionTail, "suggestions, p99", "ms", .atMost, 30),
            alone(record, .searchRate, "searches, 16 clients", "requests/s", .atLeast, 300),
            alone(record, .relevance, "types with a wrong letter found in the first ten", "", .atLeast, 0.95),
        ].compactMap(\.self)
    }

    private static func signIns(_ record: BenchRecord) -> [BenchRow] {
        [over(record, .profileInFlood, "GET profile in a flood of sign-ins, p99", "ms", .profileAtRest, "at rest", .atMost, 3)].compactMap(\.self)
    }

    private static func deadLetters(_ record: BenchRecord) -> [BenchRow] {
        [
            alone(record, .letterIngest, "dead letters stored", "letters/s", .atLeast, 5_000),
            alone(record, .letterGroups, "groups of a million dead letters, p99", "ms", .atMost, 200),
            alone(record, .letterPage, "page of the slowest filter, p99", "ms", .atMost, 100),
            alone(record, .letterShown, "one dead letter, p99", "ms", .atMost, 50),
            alone(record, .letterConsole, "slowest page of the console, p99", "ms", .atMost, 200),
            alone(record, .letterExport, "export of dead letters", "MB", .atMost, 60),
            alone(record, .letterExportGrowth, "its growth in the second half", "MB", .atMost, 5),
        ].compactMap(\.self)
    }

    private static func memory(_ record: BenchRecord) -> [BenchRow] {
        [
            alone(record, .ownMemoryAtRest, "largest worker at rest, memory of its own", "MB", .atMost, 6),
            alone(record, .memoryUnderLoad, "largest worker under load", "MB", .atMost, 60),
            alone(record, .ownMemoryInFlight, "ingress, 5,000 requests in flight, memory of its own", "MB", .atMost, 100),
        ].compactMap(\.self)
    }

    private static func ready(_ record: BenchRecord) -> [BenchRow] {
        [alone(record, .ready, "wharf-dev up to the first confirmed order", "s", .atMost, 15)].compactMap(\.self)
    }

    static func percent(_ share: Double) -> String {
        "\(Figures.decimal(share * 100, places: 0)) %"
    }

    private static func alone(
        _ record: BenchRecord, _ figure: BenchFigure, _ title: String, _ unit: String, _ direction: BenchRow.Direction, _ goal: Double
    ) -> BenchRow? {
        guard let samples = record.figures[figure], let median = samples.median else { return nil }
        return BenchRow(figure.rawValue, title, unit, samples, ratio: median, direction, goal)
    }

    private static func over(
        _ record: BenchRecord, _ figure: BenchFigure, _ title: String, _ unit: String, _ limit: BenchFigure, _ name: String,
        _ direction: BenchRow.Direction, _ goal: Double, remark: String = ""
    ) -> BenchRow? {
        guard let samples = record.figures[figure], let median = samples.median, let bound = record.median(limit), bound > 0
        else { return nil }
        return BenchRow(
            figure.rawValue, title, unit, samples, limit: (name, bound), ratio: median / bound, direction, goal, remark: remark)
    }
}
