/// The names of metadata in ECS lines: fields of the Elastic Common Schema where it has one, custom fields below `wharf.` otherwise.
package struct LogField: Sendable, Equatable {
    enum Form: Sendable {
        case text, integer
        /// Milliseconds in metadata, nanoseconds in ECS.
        case nanoseconds
    }

    /// The namespace of custom fields.
    static let namespace = "wharf."

    package let name: String
    let form: Form

    init(_ name: String, _ form: Form = .text) {
        self.name = name
        self.form = form
    }

    /// The field of a key of a log line.
    package init(key: String) {
        self = Self.known[key] ?? LogField(Self.namespace + Self.word(key))
    }

    /// The fields by key. Keys with dots need an entry, because a field cannot be both a value and an object.
    static let known: [String: LogField] = [
        "trace.id": .init("trace.id"), "trace_id": .init("trace.id"), "span.id": .init("span.id"), "span_id": .init("span.id"),
        "request.id": .init("http.request.id"), "http.status": .init("http.response.status_code", .integer), "status": .init("http.response.status_code", .integer),
        "path": .init("url.path"), "http.path": .init("url.path"), "location": .init("wharf.location"),
        "operation": .init("event.action"), "duration_ms": .init("event.duration", .nanoseconds), "event.id": .init("event.id"), "reason": .init("event.reason"),
        "error": .init("error.message"), "error.message": .init("error.message"), "error.type": .init("error.type"), "detail": .init("error.message"),
        "cause": .init("error.code"),
        "host": .init("server.address"), "port": .init("server.port", .integer), "server": .init("server.address"), "postgres.server": .init("server.address"),
        // A search for an order's id finds its lines in all services.
        "order": .init("wharf.order.id"), "order.number": .init("wharf.order.number"), "order.event": .init("wharf.order.event"),
        "message": .init("wharf.message.id"), "attempt": .init("wharf.attempt", .integer), "queue": .init("wharf.queue"), "outcome": .init("wharf.outcome"),
        "role": .init("wharf.role"), "part": .init("wharf.part"), "letter": .init("wharf.letter"),
        "postgres.backend": .init("wharf.postgres.backend"), "postgres.schema": .init("wharf.postgres.schema"), "postgres.migration": .init("wharf.postgres.migration"),
    ]

    /// Fields of every line, and fields that are derived from others.
    static let common = [
        "@timestamp", "message", "log.level", "log.logger", "ecs.version", "event.dataset", "event.outcome", "service.name", "service.type", "service.version", "service.node.name",
        "process.pid", "trace.id", "span.id",
    ]

    private static func word(_ key: String) -> String {
        String(key.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }).lowercased()
    }
}
