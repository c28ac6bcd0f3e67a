import FoundationEssentials
import LocalServers
import Logging
import WebClient

/// A private Prometheus (Debian's package `prometheus`) that scrapes every second.
public struct PrometheusServer: Sendable {
    public struct Target: Sendable {
        let job: String
        /// `host:port`.
        let address: String
        let path: String
        /// As in a configuration: `a: [b, c]`.
        let parameters: String
        let labels: [String: String]

        public init(job: String, address: String, path: String = "/metrics", parameters: String = "", labels: [String: String] = [:]) {
            self.job = job
            self.address = address
            self.path = path
            self.parameters = parameters
            self.labels = labels
        }
    }

    /// An answer of the HTTP API.
    public struct Answer: Decodable, Sendable {
        public struct Sample: Decodable, Sendable {
            public let metric: [String: String]
            /// The number as Prometheus writes it, because JSON has no NaN.
            public let value: String

            private enum CodingKeys: CodingKey {
                case metric, value
            }

            public init(from decoder: any Decoder) throws {
                let members = try decoder.container(keyedBy: CodingKeys.self)
                metric = try members.decode([String: String].self, forKey: .metric)
                var pair = try members.nestedUnkeyedContainer(forKey: .value)
                _ = try pair.decode(Double.self)
                value = try pair.decode(String.self)
            }
        }

        struct Result: Decodable, Sendable {
            let result: [Sample]
        }

        let status: String
        let error: String?
        let data: Result?

        public var isSuccess: Bool { status == "success" }
        public var samples: [Sample] { data?.result ?? [] }
        public var trouble: String { error ?? "" }
    }

    public let url: String
    private let process: ManagedProcess
    private let web: WebClient

    /// Runs `body` with a Prometheus that has these targets and rules.
    public static func running(rules: String, _ targets: [Target], _ body: (PrometheusServer) async throws -> Void) async throws {
        let folder = TestServers.folder("prometheus")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let jobs = targets.map { target in
            let labels = target.labels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            return """
                  - job_name: \(target.job)
                    honor_labels: true
                    metrics_path: \(target.path)
                    params: { \(target.parameters) }
                    static_configs:
                      - { targets: ["\(target.address)"], labels: { \(labels) } }

                """
        }
        let configuration = "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\nrule_files: [\"\(rules)\"]\nscrape_configs:\n" + jobs.joined()
        try Data(configuration.utf8).write(to: URL(filePath: "\(folder)/prometheus.yml"))
        let address = "127.0.0.1:\(try FreePorts.next(for: folder))"
        let arguments = ["--config.file=\(folder)/prometheus.yml", "--storage.tsdb.path=\(folder)/data", "--web.listen-address=\(address)", "--log.level=warn"]
        let server = PrometheusServer(
            url: "http://\(address)",
            process: ManagedProcess(
                name: "Prometheus", command: ProcessCommand("/usr/bin/prometheus", arguments, inheritsEnvironment: false, workingFolder: folder),
                output: .file("\(folder)/log")),
            web: WebClient(logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }))
        try await server.process.start()
        do {
            try await eventually("Prometheus", within: .seconds(60)) { try await server.get("/-/ready").status == 200 }
            try await body(server)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private func stop() async {
        await process.stop()
        web.shutdown()
    }

    /// The current value of an expression.
    public func query(_ expression: String) async throws -> Answer {
        // Escapes every byte that is not a letter or a digit.
        let encoded = expression.utf8.map { byte in
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return try JSONDecoder().decode(Answer.self, from: Data(try await get("/api/v1/query?query=\(encoded.joined())").body))
    }

    /// The response body of a path of the HTTP API.
    public func get(_ path: String) async throws -> WebResponse {
        try await web.send(WebRequest(url: url + path))
    }
}
