import ArgumentParser
import FoundationEssentials
import Ingress
import Logging
import Messaging
import Operations
import Secrets
import WebClient

struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Manages the broker's users, exchanges, queues and bindings.",
        subcommands: [Apply.self, Check.self])

    struct Source: ParsableArguments {
        static let standard = "topology/definitions.json"

        @Option(help: "RabbitMQ's definitions file.")
        var definitions = Self.standard
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Applies the definitions to a running broker.",
            discussion: "Deletes nothing, except that an empty queue of another type is made anew. Each WHARF_AMQP_URL_<SERVICE> holds the user and the password that the service will use.")

        @OptionGroup var source: Source

        func run() async throws {
            let (settings, _) = try Role.start("topology", isTool: true)
            let changes = try await Broker.apply(definitions: source.definitions, settings)
            for change in changes { print(change) }
            print(changes.isEmpty ? "The broker holds the topology." : "\(changes.count) changed.")
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints differences between the definitions and the broker, and queues that are not well; exit status 1 when there are any.")

        @OptionGroup var source: Source

        func run() async throws {
            let (settings, _) = try Role.start("topology", isTool: true)
            let definitions = try Broker.definitions(source.definitions)
            let client = WebClient(logger: Logger(label: "wharf"))
            defer { client.shutdown() }
            let management = try Broker.management(settings, client)
            let drift = try await Topology.check(definitions, via: management)
            let troubles = try await Topology.troubles(of: definitions, via: management)
            for line in drift.map(\.description) + troubles { print(line) }
            if !drift.isEmpty || !troubles.isEmpty { throw ExitCode(1) }
            print("No drift.")
        }
    }
}

/// Brings RabbitMQ to what the processes expect.
enum Broker {
    /// Returns what had to be changed.
    static func apply(definitions path: String, _ settings: Settings) async throws -> [Drift] {
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

    static func definitions(_ path: String) throws -> Definitions {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ValidationError("cannot read \(path); run wharf from the project's folder, or give --definitions")
        }
        return try Definitions(json: Array(data))
    }

    static func management(_ settings: Settings, _ client: WebClient) throws -> BrokerManagement {
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
