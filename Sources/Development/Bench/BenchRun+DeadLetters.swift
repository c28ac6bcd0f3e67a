import AMQP
import FoundationEssentials
import JSON
import LocalState
import Logging
import Messaging
import PostgreSQL
import ShopClient
import Terminal
import WebClient

/// Dead letters: how fast they are stored, and how fast an operator can query a million of them.
extension BenchRun {
    private static let pollPause = Duration.milliseconds(20)
    private static let poison = "bench.poison"
    /// Messages that are published before their confirms are awaited.
    private static let portion = 500

    private struct List: Decodable {
        struct Item: Decodable { let id: String }

        let items: [Item]
    }

    func measureDeadLetters(_ running: RunningShop) async throws {
        // The table is filled with copies of these.
        _ = try await ingest(Self.portion, running)
        console.line("Filling the table with \(plan.letters) dead letters")
        try await GrownLetters(database: running.database).fill(plan.letters)
        let took = try await ingest(plan.ingestedLetters, running).seconds
        found(.letterIngest, Double(plan.ingestedLetters) / took, "letters/s", remark: "\(plan.ingestedLetters) letters in \(Figures.text(took)) s")
        let token = try await administrator(running).token
        func get(_ path: String) async throws -> List {
            let response = try await transport.send(
                WebRequest(url: "\(running.url)/v1/dead-letters\(path)", headers: [("authorization", "Bearer \(token)")], timeout: .seconds(30)))
            guard response.status == 200 else { throw BenchError(.wrong, "\(path) was answered \(response.status).") }
            return (try? JSON.decode(List.self, from: response.body)) ?? List(items: [])
        }
        func measure(_ paths: [String]) async throws -> Latencies {
            let clock = ContinuousClock()
            var latencies: [Duration] = []
            for round in 0..<max(1, plan.letterReads / paths.count) {
                for path in paths {
                    let start = clock.now
                    _ = try await get(path)
                    if round > 0 || plan.letterReads <= paths.count { latencies.append(clock.now - start) }
                }
            }
            return Latencies(latencies)
        }
        let groups = try await measure(["/groups", "/groups?state=all&limit=100"])
        found(.letterGroups, groups.percentile(0.99), "ms", remark: "p50 \(Figures.text(groups.percentile(0.5))) ms")
        let group = try await get("/groups").items.first?.id ?? ""
        let order = try await someOrder(running)
        let filters = [
            "", "?service=payments", "?operation=grown.operation7", "?cause=cause-3", "?queue=payments.commands", "?group=\(group)", "?state=discarded&cause=cause-3",
            "?order=\(order)", "?text=\(order)", "?text=W-77", "?cause=cause-3&operation=grown.operation7", "?cause=cause-3&operation=grown.operation3&limit=100",
            "?since=2020-01-01T00:00:00Z&cause=cause-5",
        ]
        var slowest = ("", Latencies([]))
        for filter in filters {
            let page = try await measure([filter])
            console.line(console.paint.dim("    \(filter.isEmpty ? "(all)" : filter): p50 \(Figures.text(page.percentile(0.5))) ms, p99 \(Figures.text(page.percentile(0.99))) ms"))
            if page.percentile(0.99) >= slowest.1.percentile(0.99) { slowest = (filter, page) }
        }
        found(.letterPage, slowest.1.percentile(0.99), "ms", remark: "the slowest filter, \(slowest.0); p50 \(Figures.text(slowest.1.percentile(0.5))) ms")
        let letters = try await get("?limit=100").items.map { "/\($0.id)" }
        let shown = try await measure(letters)
        found(.letterShown, shown.percentile(0.99), "ms", remark: "p50 \(Figures.text(shown.percentile(0.5))) ms")
        try await measureConsole(running, group: group, order: order)
        try await measureExport(running)
    }

    private func someOrder(_ running: RunningShop) async throws -> String {
        try await running.database.withConnection { connection in
            let rows = try await connection.query("SELECT order_id::text AS id FROM deadletters.letters WHERE order_id IS NOT NULL AND service = 'payments' LIMIT 1")
            return try rows.first?.decode("id") ?? ""
        }
    }

    /// Returns the time from the first message published to the last letter stored, through the shop's own collector.
    private func ingest(_ count: Int, _ running: RunningShop) async throws -> Duration {
        let configuration = try AMQPConfiguration(url: running.environment[ServerURLs.amqpVariable, default: ""], connectionName: "wharf-bench")
        let publisher = Publisher(configuration: configuration, logger: Logger(label: "wharf-dev bench") { _ in SwiftLogNoOpLogHandler() })
        let before = try await stored(running)
        let clock = ContinuousClock()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            defer { group.cancelAll() }
            let start = clock.now
            for first in stride(from: 0, to: count, by: Self.portion) {
                let outcomes = await publisher.publish((first..<min(count, first + Self.portion)).map(Self.letter))
                guard outcomes.allSatisfy({ $0 == .confirmed }) else { throw BenchError(.failed, "The broker did not confirm all dead letters.") }
            }
            while try await stored(running) < before + count { try await clock.sleep(for: Self.pollPause) }
            return clock.now - start
        }
    }

    private func stored(_ running: RunningShop) async throws -> Int {
        try await running.database.withConnection { connection in
            let rows = try await connection.query("SELECT coalesce(sum(letters), 0)::bigint AS count FROM deadletters.group_counts")
            return try rows.first?.decode("count") ?? 0
        }
    }

    /// A dead letter as a worker publishes it.
    private static func letter(_ number: Int) -> Publication {
        let order = UUID()
        let failure: FieldValue = .table([
            "at": .integer(1_780_000_000_000), "worker": "bench", "cause": "poison", "detail": .string("order \(order) is number \(number)"),
        ])
        let properties = Properties(
            messageID: UUID().uuidString, type: poison, contentType: "application/json", persistent: true,
            headers: [
                "origin": "payments.commands", "cause": "poison", "attempt": 8, "failures": .array([failure]), "order": .string(order.uuidString),
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            ])
        let body = #"{"orderID":"\#(order)","orderNumber":"W-\#(number)","amount":{"amount":1999,"currency":"EUR"}}"#
        return Publication(exchange: Exchange.deadLetters, routingKey: "payments.commands", properties: properties, body: Array(body.utf8), mandatory: true)
    }
}
