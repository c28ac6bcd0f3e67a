import LocalState

extension BenchRun {
    func measureOneByOne(_ running: RunningShop, round: Int) async throws {
        let postgres = running.environment[ServerURLs.postgresVariable, default: ""]
        let rates = try await OneByOne(folder: folder, postgres: postgres).measure(plan.oneByOne, round: round)
        for (clients, rate) in rates.sorted(by: { $0.key < $1.key }) {
            if let figure = BenchFigure.oneByOne(clients: clients) { found(figure, rate, "orders/s") }
        }
        if let best = rates.values.max() { book.add(.oneByOne, best) }
    }

    func measureRequests(_ running: RunningShop) async throws {
        let limits = BrokerLimits(folder: folder, amqp: running.environment[ServerURLs.amqpVariable, default: ""])
        for (window, count) in plan.requests {
            let measured = try await limits.request(window: window, count: count)
            if let figure = BenchFigure.request(window: window) { found(figure, measured.rate, "requests/s") }
            if window == 1 { found(.requestMedian, measured.median, "ms") }
        }
    }

    func measureConfirms(_ running: RunningShop) async throws {
        let limits = BrokerLimits(folder: folder, amqp: running.environment[ServerURLs.amqpVariable, default: ""])
        for (window, count) in plan.confirms {
            let measured = try await limits.confirm(window: window, count: count)
            if let figure = BenchFigure.confirm(window: window) { found(figure, measured.rate, "messages/s") }
            if window == 1 { found(.confirmMedian, measured.median, "ms") }
        }
    }
}
