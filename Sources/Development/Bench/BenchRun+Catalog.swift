import FoundationEssentials
import JSON
import Load
import LocalState
import PostgreSQL
import ShopClient
import Terminal
import WebClient

/// A catalogue of 100,000 products: imported, and searched over HTTP.
extension BenchRun {
    /// Products read per second while an import runs: a rate that leaves the processors to the import.
    private static let readRate = 100.0
    private static let searchClients = 16
    private static let pollPause = Duration.milliseconds(100)
    private static let uploadTimeout = Duration.seconds(120)

    private struct Import: Decodable {
        let id: String
        let state: String
        let bytesRead, accepted, rejectedRows: Int
        let startedAt: Date
        let finishedAt: Date?
    }

    func measureImport(_ running: RunningShop) async throws {
        let products = try BenchProducts(contentsOf: self.products, count: plan.products)
        let token = try await administrator(running).token
        let paths = try await productPaths(running)
        let rest = try await reads(running, paths, seconds: Double(plan.requestSeconds)) {}
        found(.readAtRest, rest.percentile(0.99), "ms", remark: "p50 \(Figures.text(rest.percentile(0.5))) ms, \(Figures.text(Self.readRate)) reads/s")
        let upload = WebRequest(
            method: "POST", url: "\(running.url)/v1/imports?kind=products",
            headers: [("authorization", "Bearer \(token)"), ("content-type", "text/csv"), ("idempotency-key", UUID().uuidString)], body: products.file, timeout: Self.uploadTimeout)
        let accepted = try await transport.send(upload)
        guard accepted.status == 202 else { throw BenchError(.wrong, "The import was answered \(accepted.status).") }
        let started = try JSON.decode(Import.self, from: accepted.body)
        let box = Finished()
        let during = try await reads(running, paths, seconds: .infinity) {
            await box.set(try await finished(started.id, running, token))
        }
        guard let done = await box.value, done.state == "done", let end = done.finishedAt, done.accepted == products.count else {
            throw BenchError(.wrong, "The import accepted \(await box.value?.accepted ?? 0) of \(products.count) products.")
        }
        let seconds = end.timeIntervalSince(done.startedAt)
        found(.importRate, Double(done.accepted) / seconds, "rows/s", remark: "\(done.accepted) rows in \(Figures.text(seconds)) s")
        found(.readDuringImport, during.percentile(0.99), "ms", remark: "p50 \(Figures.text(during.percentile(0.5))) ms")
        let clock = ContinuousClock()
        let start = clock.now
        while try await backlog(running) > 0 { try await clock.sleep(for: Self.pollPause) }
        found(.importLag, (clock.now - start).seconds, "s until the last product could be found")
    }

    /// Reads products at a fixed rate for as long as `body` takes, and for `seconds` at most.
    private func reads(_ running: RunningShop, _ paths: [String], seconds: Double, _ body: @escaping @Sendable () async throws -> Void) async throws -> Latencies {
        let (transport, url) = (transport, running.url)
        let hasEnded = Finished()
        return try await withThrowingTaskGroup(of: Duration?.self) { group in
            let clock = ContinuousClock()
            let start = clock.now
            group.addTask {
                try await body()
                await hasEnded.end()
                return nil
            }
            var number = 0
            while seconds.isFinite ? (clock.now - start).seconds < seconds : await !hasEnded.isOver {
                let request = WebRequest(url: url + paths[number % paths.count], headers: [("cache-control", "no-cache")])
                number += 1
                group.addTask {
                    let sent = clock.now
                    guard try await transport.send(request).isSuccess else { throw BenchError(.wrong, "A product could not be read.") }
                    return clock.now - sent
                }
                try await clock.sleep(until: start + .seconds(Double(number) / Self.readRate))
            }
            var durations: [Duration] = []
            for try await duration in group { if let duration { durations.append(duration) } }
            return Latencies(durations)
        }
    }

    private func finished(_ id: String, _ running: RunningShop, _ token: String) async throws -> Import {
        while true {
            let response = try await transport.send(WebRequest(url: "\(running.url)/v1/imports/\(id)", headers: [("authorization", "Bearer \(token)")]))
            if response.isSuccess, case let view = try JSON.decode(Import.self, from: response.body), view.state != "running" { return view }
            try await Task.sleep(for: Self.pollPause)
        }
    }

    private func backlog(_ running: RunningShop) async throws -> Int {
        try await running.database.withConnection { try await $0.query("SELECT count(*) AS count FROM catalog.search_backlog") }.first?.decode("count") ?? 0
    }

    // MARK: - Search

    func measureSearch(_ running: RunningShop) async throws {
        let products = try BenchProducts(contentsOf: self.products, count: plan.products)
        try await running.database.withConnection { _ = try await $0.query("ANALYZE catalog.products, catalog.product_search, catalog.search_words, catalog.stock") }
        let searches = Self.searches(products).map { "GET /v1/products?search=\($0)" }
        let clients = KeepAliveClients(folder: folder, url: running.url)
        _ = try await clients.measure(searches, clients: 1, seconds: 1)
        let alone = try await clients.measure(searches, clients: 1, seconds: plan.requestSeconds)
        found(.searchMedian, alone.median, "ms")
        found(.searchTail, alone.p99, "ms")
        let suggestions = products.types.enumerated().map { number, type in
            "GET /v1/products/suggestions?q=\(PercentEncoding.encode(String(type.type.prefix(2 + number % 5))))"
        }
        let typed = try await clients.measure(suggestions, clients: 1, seconds: plan.requestSeconds)
        found(.suggestionTail, typed.p99, "ms", remark: "p50 \(Figures.text(typed.median)) ms")
        let many = try await clients.measure(searches, clients: Self.searchClients, seconds: plan.requestSeconds)
        found(.searchRate, many.rate, "requests/s", remark: "p50 \(Figures.text(many.median)) ms, p99 \(Figures.text(many.p99)) ms")
        try await measureRelevance(running, products)
        try await measureIndex(running)
    }

    /// In turn a type, one word of a type, and the beginning of a word, as while it is typed.
    private static func searches(_ products: BenchProducts) -> [String] {
        products.types.enumerated().map { number, type in
            let words = type.type.split(whereSeparator: { !$0.isLetter }).filter { $0.count > 2 }
            let word = words.dropFirst(number % max(1, words.count)).first.map { String($0) } ?? type.type
            return switch number % 3 {
            case 0: PercentEncoding.encode(type.type)
            case 1: PercentEncoding.encode(word)
            default: PercentEncoding.encode(String(word.prefix(3)))
            }
        }
    }

    private func measureRelevance(_ running: RunningShop, _ products: BenchProducts) async throws {
        struct Products: Decodable {
            struct Product: Decodable { let category: String? }
            let items: [Product]
        }
        let step = max(1, products.types.count / plan.misspeltTypes)
        var (asked, hits) = (0, 0)
        var missed: [String] = []
        for (number, type) in products.types.enumerated() where number.isMultiple(of: step) && asked < plan.misspeltTypes {
            asked += 1
            let typed = BenchProducts.misspelt(type.type, number)
            let response = try await transport.send(WebRequest(url: "\(running.url)/v1/products?limit=10&search=\(PercentEncoding.encode(typed))"))
            let isFound = try JSON.decode(Products.self, from: response.body).items.contains { $0.category == type.category }
            if isFound { hits += 1 } else { missed.append(typed) }
        }
        found(.relevance, Double(hits) / Double(max(1, asked)), "of \(asked) types", remark: missed.isEmpty ? "" : "not \(missed.prefix(5).joined(separator: "; "))")
    }

    private func measureIndex(_ running: RunningShop) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await running.database.withConnection { connection in
            _ = try await connection.execute("CREATE INDEX bench_document ON catalog.product_search USING gin (document)")
        }
        found(.indexTime, (clock.now - start).seconds, "s to build the index")
        let size: Int = try await running.database.withConnection { connection in
            _ = try await connection.execute("DROP INDEX catalog.bench_document")
            return try await connection.query("SELECT pg_relation_size('catalog.product_search_document') AS size").first?.decode("size") ?? 0
        }
        found(.indexSize, Double(size) / 1e6, "MB of the index")
    }

    private actor Finished {
        private(set) var value: Import?
        private(set) var isOver = false

        func set(_ value: Import) { self.value = value }
        func end() { isOver = true }
    }
}
