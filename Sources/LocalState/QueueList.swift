import Assembly
import FoundationEssentials
import Messaging
import Terminal
import WebClient

/// RabbitMQ's queues, as its management API reports them: up to some seconds old.
package struct QueueList: Sendable {
    private static let timeout = Duration.seconds(10)

    package let transport: any HTTPTransport
    /// With an administrator's user and password.
    package let managementURL: String

    package init(transport: any HTTPTransport, managementURL: String) {
        self.transport = transport
        self.managementURL = managementURL
    }

    /// Of all virtual hosts, by name; without the reply queues of single processes.
    /// - Throws: ``ManagementRefusal``; `WebClientError`; `DecodingError` for an answer that is not a list of queues.
    package func read() async throws -> [StatusReport.Queue] {
        let nodes = try ManagementNodes(managementURL, transport: transport)
        return try Self.queues(json: try await nodes.read("/api/queues?columns=name,messages,consumers", timeout: Self.timeout))
    }

    /// The queues that exist, and those that should exist, by name.
    package static func queues(_ found: [StatusReport.Queue], of topology: [String]) -> [StatusReport.Queue] {
        let missing = Set(topology).subtracting(found.map(\.name)).map { StatusReport.Queue(name: $0, messages: nil, consumers: nil, isMissing: true) }
        return (found + missing).sorted { $0.name < $1.name }
    }

    /// Warnings about queues that no worker consumes. The rungs of the retry ladder never have a consumer.
    package static func unconsumed(_ queues: [StatusReport.Queue], of topology: [String]) -> [String] {
        let idle = queues.filter { $0.consumers == 0 && topology.contains($0.name) && !QueueNames.isRung($0.name) }.map(\.name)
        return idle.isEmpty ? [] : ["No consumer on \(idle.joined(separator: ", ")): messages wait there."]
    }

    package static func queues(json: [UInt8]) throws -> [StatusReport.Queue] {
        struct Entry: Decodable {
            let name: String
            /// Absent for the first seconds of a queue, and where the broker keeps no statistics.
            let messages: Int?
            let consumers: Int?
        }
        return try JSONDecoder().decode([Entry].self, from: Data(json))
            .filter { !QueueNames.isOfProcess($0.name) }
            .map { StatusReport.Queue(name: $0.name, messages: $0.messages, consumers: $0.consumers) }
            .sorted { $0.name < $1.name }
    }
}
