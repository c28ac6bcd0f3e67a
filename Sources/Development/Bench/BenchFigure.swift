/// Everything that is measured as a single number; its raw value is its name in the results.
enum BenchFigure: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    // Limit A, orders a second.
    case oneByOne1 = "limitA.clients1", oneByOne8 = "limitA.clients8", oneByOne32 = "limitA.clients32", oneByOne = "limitA.best"
    // Limit B, requests a second, and milliseconds.
    case request1 = "limitB.window1", request16 = "limitB.window16", request64 = "limitB.window64", request128 = "limitB.window128"
    case requestMedian = "limitB.window1.p50"
    // Limit C, messages a second, and milliseconds.
    case confirm1 = "limitC.window1", confirm200 = "limitC.window200", confirmMedian = "limitC.window1.p50"
    // Orders a second.
    case checkouts, slowGateway, hot, growth, backlog
    case scale1, scale2, scale4, scale8
    // Over large tables, in milliseconds: the longest time without an accepted order during maintenance, and within an equal time without it; a worker's longest wait for
    // a table that the maintenance has locked. The memory of `wharf audit`, in MB.
    case pauseInVacuum = "growth.pause.vacuum", pauseInDrop = "growth.pause.drop", pauseInAudit = "growth.pause.audit"
    case pauseWithoutVacuum = "growth.pause.vacuum.without", pauseWithoutDrop = "growth.pause.drop.without", pauseWithoutAudit = "growth.pause.audit.without"
    // Milliseconds of processor time for an order over large tables. Unlike the rate, this depends little on what else the machine does.
    case growthProcessor = "growth.order.processor"
    case lockInVacuum = "growth.lock.vacuum", lockInDrop = "growth.lock.drop", lockInAudit = "growth.lock.audit"
    case auditMemory = "growth.audit.memory"
    // Share of the machine's processors that was busy, 0 to 1.
    case scaleBusy1, scaleBusy2, scaleBusy4, scaleBusy8
    // Requests a second through several ingress processes, and the share of the machine's processors that was busy.
    case ingress1 = "ingress.processes1", ingress2 = "ingress.processes2", ingress4 = "ingress.processes4"
    case ingressBusy1, ingressBusy2, ingressBusy4
    // Orders a second, and milliseconds for a single order, by the one-way delay between roles and servers in milliseconds.
    case distance0 = "distance.0ms", distance1 = "distance.1ms", distanceSingle0 = "distance.0ms.single.p50", distanceSingle1 = "distance.1ms.single.p50"
    // The share of the processors that processes outside the benchmark used while checkouts were measured.
    case foreign = "machine.foreign"
    // Milliseconds until half of them were accepted or answered.
    case acceptance = "checkouts.accepted.p50", single = "single.p50", productMedian = "product.p50"
    // Requests a second.
    case product, item
    // MB that no other process has (USS), of the largest worker and of the ingress.
    case ownMemoryAtRest = "memory.own.rest", ownMemoryInFlight = "memory.own.inFlight"
    // MiB, of the largest worker; of the ingress.
    case memoryAtRest = "memory.rest", memoryUnderLoad = "memory.load", memoryInFlight = "memory.inFlight"
    // With three times too much load: orders and requests a second, milliseconds of the slowest 1 %, MiB of the ingress.
    case overload, overloadProduct = "overload.product"
    // The rate of the same client when it waits for each answer, requests a second.
    case productCapacity = "overload.product.capacity"
    case overloadLatency = "overload.accepted.p99", overloadRefusal = "overload.refused.p99"
    case overloadProductLatency = "overload.product.accepted.p99", overloadProductRefusal = "overload.product.refused.p99"
    case overloadMemory = "overload.memory"
    // Limit D, milliseconds of one order.
    case durableSteps = "limitD.p50"
    // Of one order, exactly: each alone.
    case orderMessages = "order.messages", orderTurns = "order.turns", orderWrites = "order.writeTransactions"
    // Seconds of processor time for an order, including servers and client.
    case orderProcessor = "order.processor"
    // Wharf and the peer by turns, by the same load generator: milliseconds, and orders or requests a second; and the ratio of each pair.
    case ownSingle = "peer.own.single", peerSingle = "peer.single", peerSingleRatio = "peer.single.ratio"
    case ownCheckouts = "peer.own.checkouts", peerCheckouts = "peer.checkouts", peerCheckoutsRatio = "peer.checkouts.ratio"
    case ownFlow = "peer.own.flow", peerFlow = "peer.flow", peerFlowRatio = "peer.flow.ratio"
    case ownReads = "peer.own.reads", peerReads = "peer.reads", peerReadsRatio = "peer.reads.ratio"
    // Rows per second; milliseconds to read a product meanwhile and at rest; seconds until the last search document was written.
    case importRate = "imports.rate", readAtRest = "imports.product.rest.p99", readDuringImport = "imports.product.p99", importLag = "imports.searchLag"
    // Milliseconds for a single client of the API; searches per second for many clients; share of misspelt types found; seconds and MB of the index.
    case searchMedian = "search.p50", searchTail = "search.p99", suggestionTail = "suggestions.p99", searchRate = "search.rate"
    case relevance = "search.relevance", indexTime = "search.index.seconds", indexSize = "search.index.megabytes"
    // Milliseconds to read a profile at rest and during a flood of sign-ins; sign-ins verified per second.
    case profileAtRest = "signIns.profile.rest.p99", profileInFlood = "signIns.profile.p99", signIns = "signIns.rate"
    // Dead letters stored per second; milliseconds for a list of groups, for a page of the slowest filter, and for one letter.
    case letterIngest = "deadLetters.ingest", letterGroups = "deadLetters.groups.p99", letterPage = "deadLetters.page.p99", letterShown = "deadLetters.show.p99"
    // Milliseconds for the slowest page of the web console; the memory of an export in MB, and its growth in the second half.
    case letterConsole = "deadLetters.console.p99", letterExport = "deadLetters.export.memory", letterExportGrowth = "deadLetters.export.growth"
    // Seconds.
    case ready, overloadBacklog = "overload.settled"
    case messages = "messages.published", deliveries = "messages.delivered"

    /// What is done to large tables while customers order.
    enum Maintenance: String, Sendable {
        case vacuum = "every page and index vacuumed"
        case drop = "a day of each inbox dropped"
        case audit = "wharf audit"

        /// The longest pause during it, the longest one without it, and the longest wait for a lock.
        var figures: (pause: BenchFigure, without: BenchFigure, lock: BenchFigure) {
            switch self {
            case .vacuum: (.pauseInVacuum, .pauseWithoutVacuum, .lockInVacuum)
            case .drop: (.pauseInDrop, .pauseWithoutDrop, .lockInDrop)
            case .audit: (.pauseInAudit, .pauseWithoutAudit, .lockInAudit)
            }
        }
    }

    static func oneByOne(clients: Int) -> BenchFigure? {
        [1: .oneByOne1, 8: .oneByOne8, 32: .oneByOne32][clients]
    }

    static func request(window: Int) -> BenchFigure? {
        [1: .request1, 16: .request16, 64: .request64, 128: .request128][window]
    }

    static func confirm(window: Int) -> BenchFigure? {
        [1: .confirm1, 200: .confirm200][window]
    }

    static func scale(workers: Int) -> (rate: BenchFigure, busy: BenchFigure)? {
        [1: (.scale1, .scaleBusy1), 2: (.scale2, .scaleBusy2), 4: (.scale4, .scaleBusy4), 8: (.scale8, .scaleBusy8)][workers]
    }

    static func ingressScale(processes: Int) -> (rate: BenchFigure, busy: BenchFigure)? {
        [1: (.ingress1, .ingressBusy1), 2: (.ingress2, .ingressBusy2), 4: (.ingress4, .ingressBusy4)][processes]
    }

    static func distance(milliseconds: Int) -> (rate: BenchFigure, single: BenchFigure)? {
        [0: (.distance0, .distanceSingle0), 1: (.distance1, .distanceSingle1)][milliseconds]
    }
}
