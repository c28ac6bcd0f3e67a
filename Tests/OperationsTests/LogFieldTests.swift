import Foundation
import JSON
import Logging
import Messaging
import Testing

@testable import Operations

/// The names in ECS lines, and the files of `logging/` that rely on them.
@Suite struct `Log fields` {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    /// Every field of the Elastic Common Schema, from a file beside the repository if there is one.
    private static let schema = root.appending(path: "../shared/schemas/ecs-fields.csv")
    private static let texts: Set<String> = ["keyword", "match_only_text", "wildcard", "date"]

    private static func text(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }
    private static func json(_ text: String) throws -> JSONValue { try JSON.decode(JSONValue.self, from: Array(text.utf8)) }

    /// The type of each field of the schema; nil if the file is missing.
    private static func ecs() throws -> [String: String]? {
        guard let text = try? String(contentsOf: schema, encoding: .utf8) else { return nil }
        return Dictionary(
            text.split(separator: "\n").dropFirst().map { line in
                let columns = line.split(separator: ",", omittingEmptySubsequences: false)
                return (String(columns[0]), String(columns[1]))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// All names that lines have, with whether their values are numbers.
    private static let names: [String: Bool] = Dictionary(
        LogField.known.values.map { ($0.name, $0.form != .text) } + LogField.common.map { ($0, $0 == "process.pid") }, uniquingKeysWith: { $0 || $1 })

    @Test func `every name is in the Elastic Common Schema, or below wharf`() throws {
        let ecs = try Self.ecs()
        for (name, isNumber) in Self.names where !name.hasPrefix(LogField.namespace) {
            #expect(!name.contains("wharf"))
            guard let ecs else { continue }
            let type = try #require(ecs[name], "\(name)")
            #expect(isNumber ? type == "long" : Self.texts.contains(type), "\(name) is \(type)")
        }
    }

    @Test func `no name is both a value and an object, and a key with a dot has an entry`() throws {
        for name in Self.names.keys { #expect(!Self.names.keys.contains { $0.hasPrefix(name + ".") }, "\(name)") }
        var keys = 0
        let sources = Self.root.appending(path: "Sources")
        for path in FileManager.default.enumerator(atPath: sources.path())?.compactMap({ $0 as? String }) ?? [] where path.hasSuffix(".swift") && !path.hasPrefix("Development/") {
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            var found = text.matches(of: /"([a-z]+[._a-z]*\.[a-z_]+)": "\\\(/).map { String($0.1) }
            if let start = text.range(of: "enum LogKey {")?.upperBound {
                found += text[start...].prefix { $0 != "}" }.matches(of: /static let \w+ = "([^"]+)"/).map { String($0.1) }
            }
            for key in found {
                keys += 1
                // Attributes of spans have other keys, because no log layout writes them.
                #expect(!key.contains(".") || LogField.known[key] != nil, "\(path): \(key)")
            }
        }
        #expect(keys > 25)
        #expect(LogField(key: "open files").name == "wharf.open_files")
        #expect(LogField(key: "A.b-\u{600}").name == "wharf.a_b__")
    }

    private func line(_ metadata: Logger.Metadata, level: Logger.Level = .info) async throws -> [String: JSONValue] {
        let text = try await written { output in
            let handlers = LogHandlers(format: .ecs, service: "orders", output: output, clock: StoppedClock())
            Logger(label: "worker") { handlers.make(label: $0) }.log(level: level, "handled", metadata: metadata)
        }
        return try JSON.decode([String: JSONValue].self, from: Array(text.utf8))
    }

    @Test func `a handled message is found by its order, its trace and its request`() async throws {
        let line = try await line([
            "order": "7f", "order.number": "W-1", "order.event": "charged", "operation": "payments.charge", "message": "m1", "request.id": "r1", "outcome": "done",
            "duration_ms": "12", "role": "payments", "part": "worker", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "poller": "p",
        ])
        #expect(line["wharf.order.id"] == "7f" && line["wharf.order.number"] == "W-1" && line["wharf.order.event"] == "charged")
        #expect(line["trace.id"] == "0af7651916cd43dd8448eb211c80319c" && line["http.request.id"] == "r1" && line["wharf.message.id"] == "m1")
        #expect(line["event.action"] == "payments.charge" && line["event.outcome"] == "success" && line["event.duration"] == 12_000_000)
        #expect(line["event.dataset"] == "wharf.orders" && line["service.type"] == "wharf" && line["service.version"] == .string(Version.current))
        #expect(line["wharf.poller"] == "p")
        #expect(Set(line.keys).subtracting(Self.names.keys) == ["wharf.poller"])
    }

    @Test func `a failure has its code, and a value that does not fit a numeric field is left out`() async throws {
        let failed = try await line(["cause": "gateway-unreachable", "detail": "no answer", "error": "the same", "attempt": "3", "http.status": "teapot", "duration_ms": "9223372036854775807"])
        #expect(failed["event.outcome"] == "failure" && failed["error.code"] == "gateway-unreachable" && failed["error.message"] == "no answer" && failed["wharf.attempt"] == 3)
        #expect(failed["http.response.status_code"] == nil && failed["event.duration"] == nil)
    }

    // MARK: Elasticsearch and Kibana

    /// The types of all fields of a mapping, by their dotted names.
    private static func fields(_ properties: JSONValue?, below prefix: String = "") -> [String: String] {
        guard case .object(let members)? = properties else { return [:] }
        return members.reduce(into: [:]) { fields, member in
            guard case .object(let field) = member.value else { return }
            if case .string(let type)? = field["type"] { fields[prefix + member.key] = type }
            fields.merge(Self.fields(field["properties"], below: "\(prefix)\(member.key).")) { first, _ in first }
        }
    }

    private static func mapping() throws -> [String: String] {
        guard case .object(let template) = try json(text("logging/elasticsearch/index-template.json")), case .object(let inner)? = template["template"],
            case .object(let mappings)? = inner["mappings"]
        else { return [:] }
        return fields(mappings["properties"])
    }

    @Test func `the index template has every field of log lines, with the schema's type`() throws {
        let mapping = try Self.mapping()
        let ecs = try Self.ecs()
        for (name, isNumber) in Self.names { #expect(mapping[name].map { $0 == "long" } == isNumber, "\(name): \(mapping[name] ?? "missing")") }
        for (name, type) in mapping where !name.hasPrefix(LogField.namespace) {
            if let ecs { #expect(ecs[name] == type, "\(name)") }
        }
        // The fields below wharf are those of log lines.
        for name in mapping.keys where name.hasPrefix(LogField.namespace) { #expect(Self.names[name] != nil, "\(name)") }
    }

    @Test func `the retention policy is the one that the index template names`() throws {
        let template = try Self.text("logging/elasticsearch/index-template.json")
        let setup = try Self.text("logging/elasticsearch/setup")
        let name = try #require(template.firstMatch(of: /"index.lifecycle.name": "([a-z-]+)"/)).1
        #expect(setup.contains("_ilm/policy/\(name) ilm-policy.json"))
        let policy = try Self.text("logging/elasticsearch/ilm-policy.json")
        _ = try Self.json(policy)
        #expect(policy.contains(#""delete": { "min_age": "30d""#))
        let pipeline = try Self.text("logging/logstash/pipeline/wharf.conf")
        #expect(template.contains(#""index_patterns": ["logs-wharf-*"]"#) && pipeline.contains(#"data_stream_type => "logs""#) && pipeline.contains(#"data_stream_dataset => "wharf""#))
    }

    @Test func `each Kibana object is JSON, refers to objects of the file, and uses fields of the index`() throws {
        let objects = try Self.text("logging/kibana/wharf.ndjson").split(separator: "\n").map { try Self.json(String($0)) }
        func member(_ value: JSONValue?, _ name: String) -> JSONValue? { if case .object(let members)? = value { members[name] } else { nil } }
        func string(_ value: JSONValue?) -> String? { if case .string(let text)? = value { text } else { nil } }
        func list(_ value: JSONValue?) -> [JSONValue] { if case .array(let elements)? = value { elements } else { [] } }
        func key(_ object: JSONValue) -> String { "\(string(member(object, "type")) ?? "")/\(string(member(object, "id")) ?? "")" }
        let keys = Set(objects.map(key))
        #expect(keys.count == objects.count && keys.isSuperset(of: ["index-pattern/wharf-logs", "search/wharf-order", "dashboard/wharf"]))
        let mapping = try Self.mapping()
        for object in objects {
            for reference in list(member(object, "references")) { #expect(keys.contains(key(reference)), "\(key(object)) refers to \(key(reference))") }
            let attributes = member(object, "attributes")
            var used = list(member(attributes, "columns")).compactMap(string)
            // These texts are JSON themselves.
            let inner = ["panelsJSON", "optionsJSON", "visState", "uiStateJSON"].compactMap { string(member(attributes, $0)) }
            for text in inner + [string(member(member(attributes, "kibanaSavedObjectMeta"), "searchSourceJSON"))].compactMap(\.self) {
                _ = try Self.json(text)
                used += text.matches(of: /"field": ?"([^"]+)"/).map { String($0.1) }
                used += text.matches(of: #/([a-z]+(?:\.[a-z_]+)+) : /#).map { String($0.1) }
            }
            for field in used { #expect(mapping[field] != nil, "\(key(object)) uses \(field)") }
            for panel in (string(member(attributes, "panelsJSON")) ?? "").matches(of: /"panelRefName": ?"([^"]+)"/).map({ String($0.1) }) {
                #expect(list(member(object, "references")).contains { string(member($0, "name"))?.hasSuffix(":\(panel)") == true })
            }
        }
    }

    @Test func `the pipeline reads JSON and parses nothing by patterns`() throws {
        let pipeline = try Self.text("logging/logstash/pipeline/wharf.conf")
        let code = pipeline.split(separator: "\n").filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("#") }.joined(separator: "\n")
        #expect(!code.contains("grok") && !code.contains("dissect") && code.contains(#"source => "message""#))
        #expect(code.count { $0 == "{" } - 1 == code.count { $0 == "}" }, "the pattern of a line that is JSON has one more")
        #expect(["input {", "filter {", "output {"].allSatisfy(code.contains))
        // No field of log lines is removed.
        for removed in code.matches(of: /remove_field => \[([^\]]*)\]/).flatMap({ $0.1.matches(of: /"([^"]+)"/).map { String($0.1) } }) {
            #expect(Self.names[removed] == nil, "\(removed)")
        }
    }
}
