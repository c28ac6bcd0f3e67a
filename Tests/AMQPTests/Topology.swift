import CRabbitMQ
import IOThreads

@testable import AMQP

/// Declares what a test needs, over a connection of its own.
final class Topology: Sendable {
    private let connection: AMQPConnection
    private let idle = IdleOwner()

    init(_ configuration: AMQPConfiguration) async throws {
        connection = AMQPConnection(configuration, on: try IOThread(named: "topology"), for: idle)
        try await connection.open()
    }

    /// Declares a queue under a new name and returns the name.
    func queue(_ name: String = "tests.\(UInt64.random(in: 0...UInt64.max))", arguments: [String: FieldValue] = [:]) async throws -> String {
        try await connection.withHandle { handle throws(AMQPError) in try handle.declare(name, arguments) }
        return name
    }

    func delete(_ name: String) async throws {
        try await connection.withHandle { handle throws(AMQPError) in try handle.delete(name) }
    }

    /// Messages that are ready for delivery.
    func ready(_ name: String) async throws -> Int {
        try await connection.withHandle { handle throws(AMQPError) in try handle.ready(name) }
    }
}

extension ConnectionHandle {
    fileprivate func declare(_ name: String, _ arguments: [String: FieldValue]) throws(AMQPError) {
        try unsafe withChannel { state, arena throws(AMQPError) in
            unsafe amqp_queue_declare(state, Self.channel, arena.bytes(name), 0, 1, 0, 0, arena.table(arguments))
            try check("queue.declare")
        }
    }

    fileprivate func delete(_ name: String) throws(AMQPError) {
        try unsafe withChannel { state, arena throws(AMQPError) in
            unsafe amqp_queue_delete(state, Self.channel, arena.bytes(name), 0, 0)
            try check("queue.delete")
        }
    }

    fileprivate func ready(_ name: String) throws(AMQPError) -> Int {
        try unsafe withChannel { state, arena throws(AMQPError) in
            let answer = unsafe amqp_queue_declare(state, Self.channel, arena.bytes(name), 1, 0, 0, 0, amqp_table_t())
            let count = unsafe answer.map { unsafe Int($0.pointee.message_count) }
            try check("queue.declare")
            return count ?? 0
        }
    }
}

/// Needs nothing from its connection.
private final class IdleOwner: ConnectionOwner {
    func prepare(_ channel: ConnectionHandle) {}
    func attach(_ connection: isolated AMQPConnection) {}
    var wantsEvents: Bool { true }
    func receive(_ events: [ConnectionEvent]) {}
    func write(on channel: ConnectionHandle) -> WriteProgress { .idle }
    func detach(_ error: AMQPError?) {}
    func stop(immediately: Bool) {}
    var isStopping: Bool { false }
    func end() {}
}
