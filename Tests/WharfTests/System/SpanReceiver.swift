import Hummingbird
import JSON
import Logging
import Messaging
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

/// Receives spans as a collector does, by OTLP over HTTP.
final class SpanReceiver: Sendable {
    struct Span: Sendable {
        let trace: String
        let id: String
        let parent: String?
        let name: String
        let kind: Int
        let service: String
    }

    @TaskLocal private static var current: SpanReceiver?

    /// The one of the suite.
    static func get() throws -> SpanReceiver {
        try #require(current, "this test belongs into the suite Traces")
    }

    private static let maximumBodyBytes = 16 << 20
    private let received = Mutex<[Span]>([])

    func spans(of trace: String) -> [Span] { received.withLock { $0.filter { $0.trace == trace } } }

    /// The names from the first span of the trace down to this one.
    func way(to span: Span) -> [String] {
        let all = Dictionary(spans(of: span.trace).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var way = [span]
        while let parent = way.last?.parent.flatMap({ all[$0] }), way.count <= all.count { way.append(parent) }
        return way.reversed().map(\.name)
    }

    static func running(_ body: @Sendable (_ url: String) async throws -> Void) async throws {
        let receiver = SpanReceiver()
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.post("v1/traces") { request, _ in
            let body = try await request.body.collect(upTo: Self.maximumBodyBytes)
            try receiver.take(Array(body.readableBytesView))
            return HTTPResponse.Status.ok
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { port.finish() }
                try await group.run()
            }
            if let port = await ports.first(where: { _ in true }) {
                try await $current.withValue(receiver) { try await body("http://127.0.0.1:\(port)") }
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func take(_ bytes: [UInt8]) throws {
        let document = try JSON.decode(Document.self, from: bytes)
        let spans = document.resourceSpans.flatMap { resource in
            let service = resource.resource.attributes.first { $0.key == "service.name" }?.value.stringValue ?? ""
            return resource.scopeSpans.flatMap(\.spans).map {
                Span(trace: $0.traceId, id: $0.spanId, parent: $0.parentSpanId, name: $0.name, kind: $0.kind, service: service)
            }
        }
        received.withLock { $0 += spans }
    }

    private struct Document: Decodable {
        struct Value: Decodable { let stringValue: String? }
        struct Attribute: Decodable {
            let key: String
            let value: Value
        }
        struct Resource: Decodable { let attributes: [Attribute] }
        struct Span: Decodable {
            let traceId: String
            let spanId: String
            let parentSpanId: String?
            let name: String
            let kind: Int
        }
        struct ScopeSpans: Decodable { let spans: [Span] }
        struct ResourceSpans: Decodable {
            let resource: Resource
            let scopeSpans: [ScopeSpans]
        }
        let resourceSpans: [ResourceSpans]
    }
}
