import FoundationEssentials
import Glibc
import JSON
import Logging

/// One JSON object per line, with field names of the Elastic Common Schema (``LogField``).
struct ECSLayout: LogLayout {
    private static let version = "8.11.0"

    let service: String
    let process = getpid()

    func line(for record: LogRecord) -> [UInt8] {
        JSONWriter.object { object in
            object.field("@timestamp", record.timestamp)
            object.field("log.level", record.level.rawValue)
            object.field("message", record.message)
            object.field("ecs.version", Self.version)
            object.field("log.logger", record.label)
            object.field("event.dataset", "wharf.\(service)")
            object.field("service.name", service)
            object.field("service.type", "wharf")
            object.field("service.version", Version.current)
            object.field("service.node.name", "\(service)-\(process)")
            object.field("process.pid", Int(process))
            var known: Set<String> = []
            for (key, value) in record.metadata {
                if key == "traceparent", let trace = Trace(value) {
                    if known.insert("trace.id").inserted { object.field("trace.id", trace.id) }
                    if known.insert("span.id").inserted { object.field("span.id", trace.span) }
                    continue
                }
                let field = LogField(key: key)
                if known.insert(field.name).inserted { object.add(field, value) }
            }
            // A message that was handled or failed.
            if known.contains("error.code") {
                object.field("event.outcome", "failure")
            } else if known.contains("wharf.outcome") {
                object.field("event.outcome", "success")
            }
        } + [UInt8(ascii: "\n")]
    }

    /// The ids of a W3C `traceparent`: version, trace id, span id, flags.
    private struct Trace {
        let id: String
        let span: String

        init?(_ header: String) {
            let parts = header.split(separator: "-")
            guard parts.count >= 4, parts[1].utf8.count == 32, parts[2].utf8.count == 16 else { return nil }
            id = String(parts[1])
            span = String(parts[2])
        }
    }
}

extension JSONWriter {
    /// Omits a value that is not a number in a numeric field, because the index would reject the whole line.
    fileprivate mutating func add(_ log: LogField, _ value: String) {
        switch log.form {
        case .text: field(log.name, value)
        case .integer:
            if let number = Int(value) { field(log.name, number) }
        case .nanoseconds:
            let (nanoseconds, overflows) = (Int(value) ?? 0).multipliedReportingOverflow(by: 1_000_000)
            if Int(value) != nil, !overflows { field(log.name, nanoseconds) }
        }
    }
}
