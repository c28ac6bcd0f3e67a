import ArgumentParser
import Assembly
import FoundationEssentials
import Ingress
import Logging
import Messaging
import Topology
import WebClient

struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Manages the broker's users, exchanges, queues and bindings.",
        subcommands: [Apply.self, Check.self, Generate.self])

    struct Source: ParsableArguments {
        @Option(help: "RabbitMQ's definitions file.")
        var definitions = Broker.standardDefinitions
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Applies the definitions to a running broker.",
            discussion: "Deletes nothing, except that an empty queue of another type is recreated. Each WHARF_AMQP_URL_<SERVICE> holds the user and the password that the service will use.")

        @OptionGroup var source: Source

        func run() async throws {
            let (settings, _) = try Role.start("topology", isTool: true)
            let changes = try await Broker.apply(definitions: source.definitions, settings)
            for change in changes { print(change) }
            print(changes.isEmpty ? "The broker matches the topology." : "\(changes.count) changed.")
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints differences between the definitions and the broker, and unhealthy queues; exit status 1 when there are any.")

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

    struct Generate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the broker's definitions and the gateway's routes that the services and openapi.yaml need.",
            discussion: "Needs no broker. Run it after a change to openapi.yaml or to a service's operations, queues or messages, and commit the files.")

        @OptionGroup var source: Source

        @Option(help: "The HTTP contract.")
        var openapi = "topology/openapi.yaml"

        @Option(help: "The folder of the gateway's configuration.")
        var gateway = "gateway"

        func run() async throws {
            let document = try OpenAPIDocument(path: openapi)
            try Self.write(try Broker.generatedDefinitions(document).text(), to: source.definitions)
            for file in GatewayRoutes(document).files { try Self.write(file.text, to: "\(gateway)/\(file.name)") }
        }

        private static func write(_ text: String, to path: String) throws {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        }
    }
}
