import FoundationEssentials
import Glibc
import Logging

/// For machines: one JSON object a line, its fields named by the Elastic Common Schema (``LogField``).
struct ECSLayout: LogLayout {
    private static let version = "8.11.0"

    let service: String
    let process = getpid()

    func line(for record: LogRecord) -> [UInt8] {
        var object = JSONLine()
        object.add("@timestamp", record.timestamp)
        object.add("log.level", record.level.rawValue)
        object.add("message", record.message)
        object.add("ecs.version", Self.version)
        object.add("log.logger", record.label)
        object.add("event.dataset", "wharf.\(service)")
        object.add("service.name", service)
        object.add("service.type", "wharf")
        object.add("service.version", Version.current)
        object.add("service.node.name", "\(service)-\(process)")
        object.add("process.pid", Int(process))
        var known: Set<String> = []
        func add(_ name: String, _ write: () -> Void) {
            if known.insert(name).inserted { write() }
        }
        for (key, value) in record.metadata {
            if key == "traceparent", let trace = Trace(value) {
                add("trace.id") { object.add("trace.id", trace.id) }
                add("span.id") { object.add("span.id", trace.span) }
                continue
            }
            let field = LogField(key: key)
            add(field.name) { object.add(field, value) }
        }
        // A message that was handled, or failed.
        if known.contains("error.code") {
            object.add("event.outcome", "failure")
        } else if known.contains("wharf.outcome") {
            object.add("event.outcome", "success")
        }
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

    var closed: [UInt8] { [UInt8(ascii: "{")] + bytes + [UInt8(ascii: "}")] }

    mutating func add(_ name: String, _ value: String) {
        begin(name)
        append(quoted: value)
    }

    mutating func add(_ name: String, _ value: Int) {
        begin(name)
        bytes += "\(value)".utf8
    }

    /// A value that is not the number that its field is for is left out: the index would reject the whole line.
    mutating func add(_ field: LogField, _ value: String) {
        switch field.form {
        case .text: add(field.name, value)
        case .integer:
            if let number = Int(value) { add(field.name, number) }
        case .nanoseconds:
            let (nanoseconds, overflows) = (Int(value) ?? 0).multipliedReportingOverflow(by: 1_000_000)
            if Int(value) != nil, !overflows { add(field.name, nanoseconds) }
        }
    }

    private mutating func begin(_ name: String) {
        if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
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
