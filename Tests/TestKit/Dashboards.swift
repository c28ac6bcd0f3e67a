import FoundationEssentials

/// Grafana's dashboards of `monitoring/grafana/dashboards`.
public enum Dashboards {
    public struct Dashboard: Decodable, Sendable {
        public struct Panel: Decodable, Sendable {
            public struct Place: Decodable, Sendable {
                public let x, y, w, h: Int

                public func overlaps(_ other: Place) -> Bool {
                    x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h
                }
            }

            public struct Target: Decodable, Sendable {
                public let expr: String
            }

            public let id: Int
            public let title: String
            public let gridPos: Place
            public let targets: [Target]
        }

        public let uid: String
        public let panels: [Panel]
        /// The file's name without its extension.
        public internal(set) var file = ""

        private enum CodingKeys: CodingKey {
            case uid, panels
        }
    }

    public static func all(file: String = #filePath) throws -> [Dashboard] {
        let folder = URL(filePath: file).deletingLastPathComponent().appending(path: "../../monitoring/grafana/dashboards")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }.sorted().map { name in
            var dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: folder.appending(path: name)))
            dashboard.file = String(name.dropLast(".json".count))
            return dashboard
        }
    }

    /// Every query, with Grafana's variables replaced by values.
    public static func expressions() throws -> [(panel: String, expression: String)] {
        try all().flatMap { dashboard in
            dashboard.panels.flatMap { panel in
                panel.targets.map { target in
                    ("\(dashboard.uid): \(panel.title)", target.expr.replacing("$__rate_interval", with: "1m").replacing("$service", with: "orders"))
                }
            }
        }
    }
}
