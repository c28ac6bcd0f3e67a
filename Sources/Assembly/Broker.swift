import Console
import Contracts
import FoundationEssentials
import Ingress
import Logging
import Messaging
import Operations
import Topology
import WebClient

/// Configures RabbitMQ for the processes.
package enum Broker {
    package static let standardDefinitions = "topology/definitions.json"

    /// Returns what had to be changed.
    package static func apply(definitions path: String, _ settings: Settings) async throws -> [Drift] {
        let definitions = try definitions(path)
        var passwords: [String: String] = [:]
        for user in definitions.users.map(\.name) {
            passwords[user] = try Credentials(
                ofOwn: settings.amqpURL(for: user), besides: settings.amqpURL(for: Settings.administrator))?.password
        }
        let client = WebClient(logger: Logger(label: "wharf"))
        defer { client.shutdown() }
        return try await Topology.apply(definitions, passwords: passwords, via: try management(settings, client), clock: SystemClock())
    }

    /// What a broker needs for all services and for an ingress that serves this document.
    package static func generatedDefinitions(_ document: OpenAPIDocument) throws -> Definitions {
        Definitions(
            services: try ServiceName.allCases.map { try $0.definition() },
            offered: document.operationIDs + document.waitOperationIDs + document.uploadOperationIDs + document.streamOperationIDs
                + [MessageName.resolveSession, MessageName.sealingKey],
            console: ConsoleOperation.allCases.map(\.rawValue) + [MessageName.resolveSession, MessageName.sealingKey])
    }

    /// A busy broker takes its time for many queues.
    private static let longestAnswer: Duration = .seconds(60)

    package static func definitions(_ path: String) throws -> Definitions {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw TopologyError(.unreadable, "\(path) cannot be read; run wharf in the project's folder, or give --definitions")
        }
        return try Definitions(json: Array(data))
    }

    static func managementURL(_ settings: Settings) throws(AssemblyError) -> String {
        guard let url = settings.managementURL else {
            throw AssemblyError("WHARF_RABBITMQ_MANAGEMENT_URL", "is not set", "http://user:password@host:15672, several hosts separated by commas")
        }
        return url
    }

    package static func management(_ settings: Settings, _ client: WebClient) throws -> BrokerManagement {
        let url = try managementURL(settings)
        let nodes = try ManagementNodes(url, transport: client)
        return BrokerManagement { method, path, body in
            let response = try await nodes.send(method, path, body: body, timeout: longestAnswer)
            return (response.status, response.body)
        }
    }
}
