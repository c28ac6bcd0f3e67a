import ArgumentParser
import Contracts
import FoundationEssentials
import Ingress
import Logging
import Messaging
import Operations
import Secrets
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
            offered: document.operationIDs + document.waitOperationIDs + [MessageName.resolveSession, MessageName.sealingKey])
    }

    package static func definitions(_ path: String) throws -> Definitions {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ValidationError("cannot read \(path); run wharf from the project's folder, or give --definitions")
        }
        return try Definitions(json: Array(data))
    }

    package static func management(_ settings: Settings, _ client: WebClient) throws -> BrokerManagement {
        guard let url = settings.managementURL else {
            throw AssemblyError("WHARF_RABBITMQ_MANAGEMENT_URL", "is not set", "http://user:password@host:15672")
        }
        let (address, user) = try Credentials.split(url)
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        let credentials = Base64.encode(Array("\(user.user):\(user.password)".utf8))
        return BrokerManagement { method, path, body in
            var headers = [(name: "Authorization", value: "Basic \(credentials)")]
            if !body.isEmpty { headers.append((name: "Content-Type", value: "application/json")) }
            let request = WebRequest(
                method: method, url: base + path, headers: headers, body: body, timeout: .seconds(60))
            let response = try await client.send(request)
            return (response.status, response.body)
        }
    }
}
