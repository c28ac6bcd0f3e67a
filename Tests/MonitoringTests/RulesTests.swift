import Foundation
import Instruments
import LocalServers
import TestKit
import Testing
import YAML

/// Alerts, Prometheus' configuration and dashboards, checked without a server.
@Suite struct `Monitoring files` {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let runbooks = "docs/operations.md"

    static func path(_ name: String) -> String { root.appending(path: name).path() }

    private static func text(_ name: String) throws -> String { try String(contentsOf: root.appending(path: name), encoding: .utf8) }

    private struct Alert {
        let name: String
        let severity: String?
        let runbook: String?

        /// The alert's name as the heading of its runbook.
        var anchor: String { name.replacing(/([a-z])([A-Z])/) { "\($0.1)-\($0.2)" }.lowercased() }
    }

    private static func alerts() throws -> [Alert] {
        let rules = try #require(try YAMLReader.read(Array(try text("monitoring/prometheus/rules/wharf.yml").utf8)))
        let groups = try #require(rules["groups"]?.sequence)
        return groups.flatMap { $0["rules"]?.sequence ?? [] }.compactMap { rule in
            rule["alert"]?.scalar.map { Alert(name: $0, severity: rule["labels"]?["severity"]?.scalar, runbook: rule["annotations"]?["runbook"]?.scalar) }
        }
    }

    @Test func `promtool accepts the rules, and each alert fires only when it should`() async throws {
        let rules = try await Promtool.run(["check", "rules", Self.path("monitoring/prometheus/rules/wharf.yml")])
        #expect(rules.isSuccess, "\(rules.output)")
        let tests = try await Promtool.run(["test", "rules", Self.path("monitoring/prometheus/tests/wharf.test.yml")])
        #expect(tests.isSuccess, "\(tests.output)")
        let text = try Self.text("monitoring/prometheus/tests/wharf.test.yml")
        for alert in try Self.alerts() {
            #expect(text.contains("- name: \(alert.name) fires\n") && text.contains("- name: \(alert.name) stays quiet\n"), "\(alert.name) has no tests")
        }
    }

    @Test(arguments: ["prometheus.yml", "prometheus-consul.yml"])
    func `promtool accepts the configuration`(name: String) async throws {
        let path = "monitoring/prometheus/\(name)"
        var result = try await Promtool.run(["check", "config", Self.path(path)])
        if !result.isSuccess, result.output.contains("consul_sd_configs not found") {
            // Debian builds Prometheus without Consul, so the rest is checked with another kind of discovery.
            let folder = URL(filePath: TestServers.folder("prometheus"))
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(folder.path())/rules", withDestinationPath: Self.path("monitoring/prometheus/rules"))
            let own = /consul_sd_configs:\n      - server: consul:8500\n +#[^\n]*\n +datacenter: dc1\n/
            let other = try Self.text(path).replacing(own, with: "http_sd_configs:\n      - url: http://consul:8500\n")
            try other.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            result = try await Promtool.run(["check", "config", folder.appending(path: name).path()])
        }
        #expect(result.isSuccess, "\(result.output)")
    }

    @Test(arguments: ["alertmanager/alertmanager.yml", "grafana/provisioning/datasources/prometheus.yml", "grafana/provisioning/dashboards/wharf.yml"])
    func `a file without a checker here is YAML, and contains no secret`(name: String) throws {
        let text = try Self.text("monitoring/\(name)")
        #expect(try YAMLReader.read(Array(text.utf8))?.mapping?.isEmpty == false)
        #expect(!text.lowercased().contains("password"))
    }

    @Test func `every alert has a severity and a runbook`() throws {
        let alerts = try Self.alerts()
        #expect(alerts.count > 20 && Set(alerts.map(\.name)).count == alerts.count)
        for alert in alerts {
            #expect(["page", "ticket"].contains(alert.severity), "\(alert.name)")
            #expect(alert.runbook == "\(Self.runbooks)#\(alert.anchor)", "\(alert.name)")
        }
        // On a file system that ignores case, another spelling would be found too.
        let documents = try FileManager.default.contentsOfDirectory(atPath: Self.path("docs"))
        guard documents.contains("operations.md") else { return }
        let headings = Set(try Self.text(Self.runbooks).matches(of: /(?m)^#+ (.+)$/).map { Self.anchor(of: String($0.1)) })
        for alert in alerts { #expect(headings.contains(alert.anchor), "\(alert.name) has no runbook in \(Self.runbooks)") }
    }

    /// The anchor that GitHub derives from a heading.
    private static func anchor(of heading: String) -> String {
        String(heading.lowercased().compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" ? $0 : nil })
    }

    /// A used metric, with the labels that select it.
    private struct Use {
        let name: String
        let labels: [String]
    }

    private static func uses(in expression: String) -> [Use] {
        expression.matches(of: /\b((?:wharf|process|rabbitmq)_[a-z_]+)(?:\{([^}]*)\})?/).map { match in
            Use(name: String(match.1), labels: (match.2 ?? "").matches(of: /(\w+)\s*(?:=|!)/).map { String($0.1) })
        }
    }

    /// Labels that Prometheus adds, for the target and for a histogram's buckets.
    private static let added: Set<String> = ["role", "job", "instance", "le"]

    @Test func `every metric and label of dashboards and alerts is declared`() throws {
        var expressions = try Dashboards.expressions().map(\.expression)
        let rules = try #require(try YAMLReader.read(Array(try Self.text("monitoring/prometheus/rules/wharf.yml").utf8)))
        expressions += (rules["groups"]?.sequence ?? []).flatMap { $0["rules"]?.sequence ?? [] }.compactMap { $0["expr"]?.scalar }
        #expect(expressions.count > 80)
        for expression in expressions {
            for use in Self.uses(in: expression) where !use.name.hasPrefix("rabbitmq_") {
                let family = ["_bucket", "_sum", "_count"].reduce(use.name) { name, suffix in
                    Instrument(rawValue: name) == nil && name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
                }
                let instrument = try #require(Instrument(rawValue: family), "\(use.name) in \(expression)")
                #expect(Set(use.labels).subtracting(Self.added).isSubset(of: instrument.declaration.labels), "\(use.name){\(use.labels)}")
                if case .histogram = instrument.declaration.kind { #expect(family != use.name, "\(expression)") } else { #expect(family == use.name) }
            }
        }
    }

    @Test func `each dashboard has a unique name, and panels`() throws {
        let dashboards = try Dashboards.all()
        #expect(dashboards.map(\.uid).sorted() == ["wharf-dead-letters", "wharf-money", "wharf-overview", "wharf-saga", "wharf-service"])
        for dashboard in dashboards {
            #expect(dashboard.uid == dashboard.file)
            #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
            for panel in dashboard.panels {
                #expect(!panel.title.isEmpty && !panel.targets.isEmpty, "\(dashboard.uid)")
                #expect(panel.gridPos.x >= 0 && panel.gridPos.x + panel.gridPos.w <= 24, "\(dashboard.uid): \(panel.title)")
                let others = dashboard.panels.filter { $0.id != panel.id && $0.gridPos.overlaps(panel.gridPos) }
                #expect(others.isEmpty, "\(dashboard.uid): \(panel.title)")
            }
        }
    }
}
