import Logging
import ServiceLifecycle
import Testing

@testable import AMQP

/// Tests that need a broker. They run one after another, as some of them freeze it.
@Suite(.serialized, .timeLimit(.minutes(4)))
enum BrokerTests {}

let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

/// Runs the services for as long as `body` runs, then cancels them.
func running<Result: Sendable>(_ services: any Service..., body: () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for service in services { group.addTask { try await service.run() } }
        defer { group.cancelAll() }
        return try await body()
    }
}

/// A publisher and a consumer of a fresh queue, both connected.
func withQueue(
    arguments: [String: FieldValue] = [:], prefetch: Int = 100, window: Int = 2_000,
    body: (Publisher, Consumer, Topology, _ queue: String) async throws -> Void
) async throws {
    let broker = try await TestBroker.shared.value
    let topology = try await Topology(broker.configuration)
    let queue = try await topology.queue(arguments: arguments)
    let publisher = try Publisher(configuration: broker.configuration, window: window, logger: quiet)
    let consumer = try Consumer(configuration: broker.configuration, source: .queue(queue), prefetch: prefetch, logger: quiet)
    try await running(publisher, consumer) {
        try await body(publisher, consumer, topology, queue)
    }
}

/// A message to `queue` whose body is `text`.
func message(_ text: String, to queue: String, id: String? = nil, persistent: Bool = false) -> Publication {
    Publication(
        exchange: "", routingKey: queue, properties: Properties(messageID: id, persistent: persistent), body: Array(text.utf8)
    )
}

extension Delivery {
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension Consumer {
    /// Fetches until `count` deliveries are there.
    func collect(_ count: Int) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        while deliveries.count < count { deliveries += try await next(limit: count - deliveries.count) }
        return deliveries
    }
}

extension [PublishOutcome] {
    /// Whether there are outcomes, and all are confirmed.
    var areConfirmed: Bool { !isEmpty && allSatisfy { $0 == .confirmed } }
}

extension PublishOutcome {
    var failure: AMQPError.Code? {
        if case .failed(let error) = self { error.code } else { nil }
    }
}
