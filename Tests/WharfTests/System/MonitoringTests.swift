import Foundation
import Instruments
import JSON
import LocalServers
import Messaging
import TestKit
import Testing
import WebClient

@testable import LocalState

extension System {
    /// A Prometheus that scrapes every process of a running shop, as operators run it.
    @Suite struct `Monitoring` {
        private struct Rules: Decodable {
            struct Content: Decodable { let groups: [Group] }
            struct Group: Decodable { let rules: [Rule] }
            struct Rule: Decodable {
                let name: String
                let health: String
                let lastError: String?
            }

            let data: Content
        }

        private struct Names: Decodable { let data: [String] }

        /// The processes' admin addresses, by role.
        private static func addresses(of wharf: RunningWharf) throws -> [(role: String, address: String)] {
            // The other ports of ingress and console serve no metrics.
            let served = [wharf.url, try wharf.record.consoleURL ?? ""].compactMap { URLComponents(string: $0)?.port }
            return try wharf.record.processes.filter { $0.isRole && $0.role != "sandbox" }.map { process in
                (process.role, "127.0.0.1:\(try #require(ProcessView(pid: process.pid).listeningPorts.subtracting(served).min()))")
            }
        }

        @Test func `promtool accepts each role's metrics, which contain no secret`() async throws {
            let wharf = try RunningWharf.get()
            for (role, address) in try Self.addresses(of: wharf) {
                let text = String(decoding: try await wharf.web.send(WebRequest(url: "http://\(address)/metrics")).body, as: UTF8.self)
                let result = try await Promtool.run(["check", "metrics"], input: text)
                #expect(result.isSuccess && result.output.isEmpty, "\(role): \(result.output)")
                #expect(text.contains(#"wharf_build_info{role="\#(role)",version=""#))
                for series in text.split(separator: "\n") where !series.hasPrefix("#") {
                    let name = String(series.prefix { $0 != "{" && $0 != " " })
                    #expect(["", "_bucket", "_sum", "_count"].contains { name.hasSuffix($0) && Instrument(rawValue: String(name.dropLast($0.count))) != nil }, "\(role): \(name)")
                }
                #expect(!text.contains("://") && !text.contains("@"))
            }
        }

        @Test func `every dashboard query and every alert runs against a live shop`() async throws {
            let wharf = try RunningWharf.get()
            let broker = try await TestServers.rabbitMQ()
            let host = try await broker.createVirtualHost("monitored").split(separator: "/").last.map(String.init) ?? ""
            _ = try await broker.management.send("PUT", "/api/queues/\(host)/orders.commands", body: #"{"durable": true}"#)
            let metrics = try #require(broker.metricsURL?.replacing("http://", with: "").replacing("/metrics", with: ""))
            var targets = try Self.addresses(of: wharf).enumerated().map { index, process in
                PrometheusServer.Target(job: "wharf-\(index)", address: process.address, labels: ["job": "wharf", "role": process.role])
            }
            targets.append(
                .init(job: "rabbitmq-queues", address: metrics, path: "/metrics/detailed", parameters: "family: [queue_coarse_metrics, queue_consumer_count]"))

            try await sellAndDecline()
            let rules = RunningWharf.repository() + "/monitoring/prometheus/rules/wharf.yml"
            try await PrometheusServer.running(rules: rules, targets) { prometheus in
                try await eventually("All targets", within: .seconds(60)) {
                    let up = try await prometheus.query("count(up == 1)").samples.first?.value
                    return up == "\(targets.count)"
                }
                try await seesTheShop(prometheus)
                for (panel, expression) in try Dashboards.expressions() {
                    let answer = try await prometheus.query(expression)
                    #expect(answer.isSuccess, "\(panel): \(expression): \(answer.trouble)")
                }
                try await eventually("All rules evaluated") {
                    let rules = try await Self.rules(prometheus)
                    return rules.count > 25 && rules.allSatisfy { $0.health != "unknown" }
                }
                for rule in try await Self.rules(prometheus) { #expect(rule.health == "ok", "\(rule.name): \(rule.lastError ?? "")") }
                let wanted: Set = [
                    "rabbitmq_detailed_queue_messages_ready", "rabbitmq_detailed_queue_consumers", "wharf:queue_ready_messages", "wharf:queue_oldest_age_seconds",
                ]
                // A rule that was evaluated before its first scrape has no result yet.
                try await eventually("The brokers' figures and the rules' results", within: .seconds(60)) {
                    let names = try JSONDecoder().decode(Names.self, from: Data(try await prometheus.get("/api/v1/label/__name__/values").body)).data
                    return wanted.isSubset(of: names)
                }
            }
        }

        private static func rules(_ prometheus: PrometheusServer) async throws -> [Rules.Rule] {
            try JSONDecoder().decode(Rules.self, from: Data(try await prometheus.get("/api/v1/rules").body)).data.groups.flatMap(\.rules)
        }

        private func sellAndDecline() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            #expect(try await guest.checkout(try await guest.newCart(try await admin.newProduct()))["order", "state"] == "confirmed")
            #expect(try await guest.checkout(try await guest.newCart(try await admin.newProduct()), paying: "pm_card_chargeDeclined")["order", "state"] == "rejected")
            // A dead letter.
            try await ForeignMessage(type: "no.such.operation").put(into: "orders.commands", of: admin.wharf)
        }

        /// The resulting figures, each with a condition that soon becomes true.
        private func seesTheShop(_ prometheus: PrometheusServer) async throws {
            let conditions = [
                #"sum(wharf_http_responses_total{operation="carts.checkouts.create", status="2xx"}) >= 2"#,
                #"sum(wharf_http_request_duration_seconds_count{operation="carts.checkouts.create"}) >= 2"#,
                #"sum by (service) (wharf_messages_total{operation="orders.checkouts.place", outcome="handled"}) >= 2"#,
                #"sum(wharf_messages_sent_total{service="orders", message="order.confirmed"}) >= 1"#,
                #"sum(wharf_messages_sent_total{service="orders", message="order.rejected"}) >= 1"#,
                #"sum(wharf_partner_calls_total{partner="stripe", call="POST payment_intents", result="succeeded"}) >= 1"#,
                #"sum(wharf_partner_calls_total{partner="stripe", result="declined"}) >= 1"#,
                #"sum(wharf_dead_letters_total{service="orders"}) >= 1"#,
                #"max by (service) (wharf_dead_letters_open{service="orders"}) >= 1"#,
                #"max by (service) (wharf_dead_letter_oldest_age_seconds{service="orders"}) >= 0"#,
                #"sum(wharf_broker_publications_total{role="orders", connection="publisher", outcome="confirmed"}) >= 3"#,
                #"min(wharf_broker_connected) == 1"#, #"max(wharf_broker_blocked) == 0"#, #"max(wharf_checkouts_stuck) == 0"#,
                #"count(wharf_payments_undecided) >= 3"#, #"max(wharf_queue_oldest_age_seconds{queue="orders.commands"}) < 60"#,
                #"sum by (service) (wharf_database_connections{service="orders", state="idle"}) >= 1"#, #"count(wharf_build_info) >= 8"#,
                #"min(process_resident_memory_bytes) > 1e6"#, #"max(wharf_metrics_overflowed_series_total) == 0"#,
            ]
            for condition in conditions {
                try await eventually(condition, within: .seconds(40)) { try await !prometheus.query(condition).samples.isEmpty }
            }
        }
    }
}
