import Foundation
import JSON
import LocalState
import TestKit
import Testing

/// A separate running system, whose processes log ECS lines.
private struct LoggingJSON: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await RunningWharf.running(["LOG_FORMAT": "ecs"], body)
    }
}

@Suite(.serialized, LoggingJSON(), .timeLimit(.minutes(10))) struct `Logs for machines` {
    private struct NotJSON: Error {
        let line: String
    }

    /// Every line of every role, with the name of its log.
    private func lines(_ wharf: RunningWharf) throws -> [(log: String, line: [String: JSONValue])] {
        let logs = try wharf.logs().filter { $0.name.hasPrefix(wharf.folder.logs) && !$0.name.contains("sandbox") }
        return try logs.flatMap { name, text in
            let lines = text.split(separator: "\n")
            return try lines.enumerated().compactMap { index, line in
                if let object = try? JSON.decode([String: JSONValue].self, from: Array(line.utf8)) { return (name, object) }
                // The last line may be incomplete.
                guard index == lines.count - 1 else { throw NotJSON(line: "\(name): \(line)") }
                return nil
            }
        }
    }

    private func text(_ value: JSONValue?) -> String? { if case .string(let text)? = value { text } else { nil } }

    @Test func `one field and one trace find an order in the logs of all services`() async throws {
        let wharf = try RunningWharf.get()
        let (admin, guest) = (try Visitor.admin(), try Visitor.guest())
        let answer = try await guest.checkout(try await guest.newCart(try await admin.newProduct()))
        let order = try #require(answer["order", "id"]?.text?.lowercased())
        let trace = try #require(answer.header("traceparent")?.split(separator: "-").dropFirst().first).description
        let services: Set<String> = ["ingress", "carts", "orders", "catalog", "payments", "notifications"]
        try await eventually("All services") {
            Set(try lines(wharf).filter { $0.line["wharf.order.id"] == .string(order) }.compactMap { text($0.line["service.name"]) }).isSuperset(of: services)
        }
        let about = try lines(wharf).map(\.line).filter { $0["wharf.order.id"] == .string(order) }
        #expect(Set(about.filter { $0["trace.id"] == .string(trace) }.compactMap { text($0["service.name"]) }) == services)
        #expect(about.allSatisfy { $0["event.outcome"] == nil || $0["event.outcome"] == "success" })
    }

    @Test func `every line has the fields of the schema, and custom ones only below wharf`() async throws {
        let wharf = try RunningWharf.get()
        let schema = URL(filePath: RunningWharf.repository()).appending(path: "../shared/schemas/ecs-fields.csv")
        let fields = (try? String(contentsOf: schema, encoding: .utf8)).map { text in
            Set(text.split(separator: "\n").compactMap { $0.split(separator: ",").first.map(String.init) })
        }
        let all = try lines(wharf)
        #expect(Set(all.compactMap { text($0.line["service.name"]) }).count >= 8)
        for (log, line) in all {
            for name in ["@timestamp", "log.level", "message", "ecs.version", "service.name", "service.version"] { #expect(line[name] != nil, "\(log): \(line)") }
            for name in line.keys where !name.hasPrefix("wharf.") { #expect(fields?.contains(name) ?? true, "\(log): \(name)") }
        }
    }
}
