import FoundationEssentials
import Glibc
import Logging

/// For machines: one JSON object a line, its fields named by the Elastic Common Schema (ecs.version 8.11). Metadata without a field of its own
/// becomes a label, and labels are text.
struct ECSLayout: LogLayout {
    private static let version = "8.11.0"
    /// Metadata that has a field of its own.
    private static let fields = [
        "trace.id": "trace.id", "trace_id": "trace.id", "span.id": "span.id", "span_id": "span.id", "error": "error.message",
        "error.message": "error.message", "error.type": "error.type",
    ]

    let service: String
    let process = getpid()

    func line(for record: LogRecord) -> [UInt8] {
        var object = JSONLine()
        object.add("@timestamp", record.timestamp)
        object.add("log.level", record.level.rawValue)
        object.add("message", record.message)
        object.add("ecs.version", Self.version)
        object.add("log.logger", record.label)
        object.add("service.name", service)
        object.add("process.pid", Int(process))
        var labels = JSONLine()
        var known: Set<String> = []
        for (key, value) in record.metadata {
            if key == "traceparent", let trace = Trace(value) {
                if known.insert("trace.id").inserted { object.add("trace.id", trace.id) }
                if known.insert("span.id").inserted { object.add("span.id", trace.span) }
            } else if let field = Self.fields[key] {
                if known.insert(field).inserted { object.add(field, value) }
            } else {
                labels.add(key, value)
            }
        }
        if !labels.isEmpty { object.add("labels", labels) }
        return object.closed + [UInt8(ascii: "\n")]
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

/// A JSON object that is written member by member; duplicate names are the caller's mistake.
struct JSONLine {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }
    var closed: [UInt8] { [UInt8(ascii: "{")] + bytes + [UInt8(ascii: "}")] }

    mutating func add(_ name: String, _ value: String) {
        begin(name)
        append(quoted: value)
    }

    mutating func add(_ name: String, _ value: Int) {
        begin(name)
        bytes += "\(value)".utf8
    }

    mutating func add(_ name: String, _ value: JSONLine) {
        begin(name)
        bytes += value.closed
    }

    private mutating func begin(_ name: String) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func append(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += "\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
